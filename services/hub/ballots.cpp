// A round: replicas are asked, they vote, a verdict says whose outputs are taken.
#include "services/hub/ballots.hpp"

#include <algorithm>

#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/redo.hpp"
#include "services/hub/reputations.hpp"
#include "services/hub/rot.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

using Outcome = protocol::Verdict::Outcome;
using partition::Replication;

// Among workers of different arithmetic; those of the same must agree in every bit.
constexpr double kAbsolute = 1e-6;
constexpr double kRelative = 1e-4;

// Who can be asked now; empty: not enough of them, or one has no room yet. Nobody waits for a
// worker that owes votes which do not matter any more: it is slow, and asked again when it has
// caught up. Nor is it asked about what is made of a result it owes a vote on, unless the others
// are too few or do not agree: then that vote is forgone.
std::vector<protocol::Route> electorate(State& s, const PlanState& plan, const Job& job,
                                        std::size_t index) {
  const auto& partition = plan.plan.partitions[index];
  const auto routes = plan.routes.find(partition.name);
  if (routes == plan.routes.end()) return {};
  std::vector<protocol::Route> asked;
  std::vector<protocol::Route> reserve;
  int counting = 0;
  for (const protocol::Route& route : routes->second) {
    if (!may_compute(s, route.worker, partition)) continue;
    if (lacks_bundle(s, route.worker, plan, partition.name)) continue;
    const Worker& worker = *s.find_worker(route.worker);
    if (static_cast<std::int64_t>(worker.late.size()) >= s.config.worker_credits) continue;
    const auto owed = owed_votes_on_inputs(s, job.summary.id, plan, partition, route.worker);
    if (owed == OwedVotes::needed) continue;
    const bool has_room =
        has_credit(s, worker, job, index) && may_be_given(s, worker, key_of(job, partition));
    if (!has_room && owed == OwedVotes::none) return {};
    if (!has_room) continue;
    (owed == OwedVotes::none ? asked : reserve).push_back(route);
    counting += owed == OwedVotes::late || is_quarantined(s, route.worker) ? 0 : 1;
  }
  const bool enough = counting >= partition.replication.quorum && job.tasks[index].attempts == 0;
  if (!enough) {
    for (const auto& route : reserve) counting += is_quarantined(s, route.worker) ? 0 : 1;
    asked.insert(asked.end(), reserve.begin(), reserve.end());
  }
  if (counting < partition.replication.quorum) asked.clear();
  return asked;
}

void give_copy(State& s, Job& job, std::size_t index, Ballot& ballot,
               const protocol::Route& route) {
  const auto& partition = s.find_plan(job.summary.plan)->plan.partitions[index];
  const protocol::TaskKey key = key_of(job, partition);
  forgo_votes_on_inputs(s, key.job, *s.find_plan(key.plan), partition, route.worker);
  Copy copy;
  copy.epoch = route.epoch;
  copy.given = s.now.steady;
  copy.as_suspect = s.suspects.contains(key);
  copy.lease.begin(s.now.steady);
  ballot.copies.emplace(route.worker, std::move(copy));
  take_credit(s, *s.find_worker(route.worker), job, index);
  TimelineEvent started;
  started.event = "started";
  started.partition = partition.name.text;
  started.worker = route.worker.text;
  note_and_tell(s, job, std::move(started));
  send_order(s, job, partition, {.worker = route.worker, .epoch = route.epoch, .announce = true});
}

void open_ballot(State& s, Job& job, std::size_t index) {
  const PlanState& plan = *s.find_plan(job.summary.plan);
  const auto& partition = plan.plan.partitions[index];
  const auto asked = electorate(s, plan, job, index);
  if (asked.empty()) return;
  job.tasks[index].state = Task::State::voting;
  Ballot& ballot = s.ballots[key_of(job, partition)];
  ballot.replication = partition.replication;
  ballot.opened = s.last_ballot_number;
  ballot.outputs = partition.outputs.size();
  ballot.inputs = inputs_of(job, partition);
  for (const protocol::Route& route : asked) give_copy(s, job, index, ballot, route);
}

protocol::Ballot message_of(const State& s, const protocol::TaskKey& key, const Ballot& ballot) {
  protocol::Ballot message;
  message.task = key;
  message.number = ballot.number;
  message.quorum = static_cast<std::uint32_t>(ballot.replication.quorum);
  message.atol = kAbsolute;
  message.rtol = kRelative;
  for (const auto& [worker, copy] : ballot.copies) {
    message.outstanding += copy.is_awaited() ? 1 : 0;
    if (!copy.vote) continue;
    message.votes.push_back(
        {worker, copy.epoch, copy.arithmetic, !is_quarantined(s, worker), copy.vote->outputs});
  }
  return message;
}

// The outputs of this replica are what its partition made, as far as is known.
void take_outputs(State& s, const TaskPlace& at, Ballot& ballot, const WorkerId& worker) {
  Task& task = at.job->tasks[at.index];
  const Copy& copy = ballot.copies.at(worker);
  ballot.forwarded = worker;
  task.state = Task::State::dispatched;
  Dispatch dispatch;
  dispatch.worker = worker;
  dispatch.epoch = copy.epoch;
  dispatch.given = dispatch.done_at = s.now.steady;
  dispatch.lease.begin(s.now.steady);
  dispatch.done = copy.vote;
  task.dispatches = {std::move(dispatch)};
  ask_again(s, at, worker);
}

// False: none of the members is left.
bool take_from_next_member(State& s, const TaskPlace& at, Ballot& ballot) {
  while (!ballot.members.empty()) {
    const WorkerId member = ballot.members.front();
    ballot.members.erase(ballot.members.begin());
    const Worker* worker = s.find_worker(member);
    if (worker == nullptr || !worker->online || !ballot.copies.at(member).failure.empty()) continue;
    take_outputs(s, at, ballot, member);
    return true;
  }
  return false;
}

// What is owed now can no longer change the answer; but it is still worth knowing who lies.
void mark_late(State& s, const protocol::TaskKey& key, Ballot& ballot) {
  for (auto& [id, copy] : ballot.copies) {
    Worker* worker = s.find_worker(id);
    if (!copy.is_awaited() || worker == nullptr) continue;
    if (copy.holds_credit) worker->credits.give_back(key);
    copy.holds_credit = false;
    worker->late.insert(key);
  }
  s.schedule_due = true;
}

std::string names_of(const std::vector<WorkerId>& workers) {
  std::string text;
  for (const WorkerId& worker : workers) text += (text.empty() ? "" : ", ") + worker.text;
  return text;
}

void note_verdict(State& s, const protocol::Verdict& verdict, bool first) {
  s.verdicts.push_back(
      {s.now.unix_ms, verdict.task, verdict.members, verdict.liars, verdict.reason});
  if (s.verdicts.size() > kMaxVerdictNotes) s.verdicts.pop_front();
  s.log(verdict.liars.empty() ? Log::Level::info : Log::Level::warn, "verdict",
        {{"job", verdict.task.job.text},
         {"partition", verdict.task.partition.text},
         {"agree", names_of(verdict.members)},
         {"differ", names_of(verdict.liars)},
         {"why", verdict.reason}});
  const auto at = find_task(s, verdict.task);
  if (!at) return;
  at->job->summary.votes += first ? 1 : 0;
  TimelineEvent vote;
  vote.event = "vote";
  vote.partition = verdict.task.partition.text;
  vote.detail = names_of(verdict.members) + " agree";
  if (!verdict.liars.empty()) vote.detail += "; " + names_of(verdict.liars) + " differs";
  note_and_tell(s, *at->job, std::move(vote));
}

// Once for each vote. A vote that was judged may be judged worse later, never better.
bool judge(State& s, Ballot& ballot, const protocol::Verdict& verdict) {
  bool news = false;
  for (const WorkerId& worker : verdict.members) {
    const auto copy = ballot.copies.find(worker);
    if (copy == ballot.copies.end() || !copy->second.vote || copy->second.judged) continue;
    copy->second.judged = news = true;
    count_agreement(s, worker);
  }
  for (const WorkerId& worker : verdict.liars) {
    const auto copy = ballot.copies.find(worker);
    if (copy == ballot.copies.end() || !copy->second.vote || copy->second.judged) continue;
    copy->second.judged = news = true;
    count_lie(s, worker, verdict.task, verdict.reason);
  }
  return news;
}

// What was forwarded before the verdict is as good as any from now on.
void confirm(State& s, const protocol::TaskKey& key, const Ballot& ballot) {
  if (ballot.replication.mode != Replication::Mode::first) return;
  store::Batch batch;
  batch.deletes = {unconfirmed_key(key.job, key.partition)};
  // Should this be lost, the partition is computed again.
  s.persist(std::move(batch), [](const Status&) {});
  s.schedule_due = true;
}

bool agrees(const protocol::Verdict& verdict, const WorkerId& worker) {
  return std::find(verdict.members.begin(), verdict.members.end(), worker) != verdict.members.end();
}

// Votes that neither agree nor differ: their values are looked at while the job goes on.
void note_doubts(State& s, const protocol::TaskKey& key, Ballot& ballot) {
  ballot.doubted = s.now.steady;
  for (auto& [id, copy] : ballot.copies) {
    Worker* worker = s.find_worker(id);
    copy.doubted = copy.vote && copy.failure.empty() && !copy.judged && worker != nullptr;
    if (!copy.doubted) continue;
    if (copy.holds_credit) worker->credits.give_back(key);
    copy.holds_credit = false;
    worker->late.insert(key);
  }
}

void on_agreed(State& s, Ballot& ballot, const protocol::Verdict& verdict) {
  const bool first_time = !ballot.decided;
  if (judge(s, ballot, verdict) || first_time) note_verdict(s, verdict, first_time);
  note_doubts(s, verdict.task, ballot);
  if (!first_time) return settle_ballot(s, verdict.task);
  ballot.decided = true;
  ballot.members = verdict.members;
  mark_late(s, verdict.task, ballot);
  confirm(s, verdict.task, ballot);
  const auto at = find_task(s, verdict.task);
  if (!at) return settle_ballot(s, verdict.task);
  if (at->job->tasks[at->index].state == Task::State::voting) {
    if (!take_from_next_member(s, *at, ballot)) {
      end_round(s, *at, "none of those that agreed is there any more", TakeBack::lost);
    }
  } else if (!agrees(verdict, ballot.forwarded) && at->job->summary.state == JobState::running) {
    redo_from(s, *at,
              verdict.task.partition.text + " of " + ballot.forwarded.text +
                  " was forwarded, and those that agree have another result",
              TakeBack::moved);
  }
  settle_ballot(s, verdict.task);
}

}  // namespace

void send_ballot(State& s, const protocol::TaskKey& key) {
  Ballot* ballot = find_ballot(s, key);
  if (ballot == nullptr || s.voters.empty()) return;  // sent when a voter says hello
  ballot->shown = s.now.steady;
  s.send({protocol::Role::voter, s.voters.back()}, message_of(s, key, *ballot));
}

void open_or_continue(State& s, Job& job, std::size_t index) {
  const auto& partition = s.find_plan(job.summary.plan)->plan.partitions[index];
  const protocol::TaskKey key = key_of(job, partition);
  if (Ballot* ballot = find_ballot(s, key)) {
    const bool holds = ballot->decided && ballot->inputs == inputs_of(job, partition);
    if (holds && take_from_next_member(s, {&job, index}, *ballot)) return;
    close_ballot(s, key);
  }
  open_ballot(s, job, index);
}

bool on_vote(State& s, const WorkerId& worker, const protocol::TaskDone& done) {
  Copy* copy = find_copy(s, done.task, worker);
  if (copy == nullptr || copy->epoch != done.epoch) return false;
  Ballot& ballot = *find_ballot(s, done.task);
  if (done.made_of != protocol::digest_of_inputs(ballot.inputs)) {  // said in a round before
    const bool asks = copy->is_awaited() && s.now.steady - copy->lease.sent >= kAskAgain;
    if (asks) resend_copy(s, done.task, worker);
    return false;
  }
  if (copy->vote) {
    if (copy->vote->outputs != done.outputs) {
      accuse(s, done.task, worker, "it announced one result and later another");
    }
    return true;
  }
  if (!copy->failure.empty()) return false;
  copy->vote = done;
  if (const Worker* voter = s.find_worker(worker)) {
    copy->arithmetic = voter->info.isa + " " + voter->info.version;
  }
  // One too many differs as much as a million: only so much of a wrong announcement is kept.
  copy->vote->outputs.resize(std::min(done.outputs.size(), ballot.outputs + 1));
  ballot.number = ++s.last_ballot_number;
  send_ballot(s, done.task);
  const auto at = find_task(s, done.task);
  const bool take_first = ballot.replication.mode == Replication::Mode::first && at &&
                          at->job->tasks[at->index].state == Task::State::voting &&
                          !is_quarantined(s, worker);
  if (take_first) take_outputs(s, *at, ballot, worker);
  return true;
}

void on_verdict(State& s, const protocol::Verdict& verdict) {
  Ballot* ballot = find_ballot(s, verdict.task);
  if (ballot == nullptr) return;
  const bool asks = static_cast<Outcome>(verdict.outcome) == Outcome::values;
  const bool of_this_round = verdict.number > ballot->opened && verdict.number <= ballot->number;
  if (asks && of_this_round) show_values(s, *ballot, verdict);  // more votes change nothing of it
  ballot = find_ballot(s, verdict.task);
  if (ballot == nullptr) return;
  if (ballot->number != verdict.number) return;  // a newer one is on its way
  const bool sane =
      std::all_of(verdict.members.begin(), verdict.members.end(), [&](const auto& id) {
        const auto copy = ballot->copies.find(id);
        return copy != ballot->copies.end() && copy->second.vote.has_value();
      });
  if (!sane) return;
  ballot->answered = verdict.number;
  switch (static_cast<Outcome>(verdict.outcome)) {
    case Outcome::open:
      return;
    case Outcome::agreed:
      if (!verdict.members.empty()) on_agreed(s, *ballot, verdict);
      return;
    case Outcome::values:
      return;
    case Outcome::split:
      break;
  }
  const auto at = find_task(s, verdict.task);
  if (!at || ballot->decided) return;
  judge(s, *ballot, verdict);  // forgers are known even so
  note_verdict(s, verdict, true);
  const std::string why = "no quorum of its replicas agrees: " + verdict.reason;
  const Task::State state = at->job->tasks[at->index].state;
  if (state == Task::State::voting || state == Task::State::dispatched) {
    return end_round(s, *at, why, TakeBack::failed);
  }
  close_ballot(s, verdict.task);
  if (at->job->summary.state != JobState::running) return;
  redo_from(s, *at, why, TakeBack::failed);  // forwarded at once, and never confirmed
}

namespace {

void send_open_ballots(State& s) {
  for (const auto& [key, ballot] : s.ballots) {
    const bool voted = std::any_of(ballot.copies.begin(), ballot.copies.end(),
                                   [](const auto& copy) { return copy.second.vote.has_value(); });
    if (voted) send_ballot(s, key);
  }
}

}  // namespace

void on_voter_hello(State& s, const Peer& voter, bool again) {
  constexpr std::size_t kMaxVoters = 16;
  if (again && std::find(s.voters.begin(), s.voters.end(), voter.id) != s.voters.end()) return;
  std::erase(s.voters, voter.id);
  if (s.voters.size() >= kMaxVoters) return;
  s.voters.push_back(voter.id);
  s.status_due = true;
  send_open_ballots(s);
}

void on_voter_status(State& s, const Peer& voter, bool online) {
  if (online || s.voters.empty()) return;
  const bool was_asked = s.voters.back() == voter.id;
  std::erase(s.voters, voter.id);
  s.status_due = true;
  if (was_asked) send_open_ballots(s);
}

}  // namespace hyps::hub
