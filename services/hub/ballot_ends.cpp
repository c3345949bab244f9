// What ends a ballot, or a replica's part in it.
#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/reputations.hpp"

namespace hyps::hub {

namespace {

constexpr Milliseconds kShowAgain{2000};    // to a voter that says nothing
constexpr Milliseconds kVerdictLost{6000};  // or nothing more, although all have voted
constexpr Milliseconds kLateVotes{60'000};  // that long it is worth knowing who lied
constexpr Milliseconds kDoubts{15'000};  // once the result is stored: the voter has forgotten them

void release_copy(State& s, const protocol::TaskKey& key, const WorkerId& id, Copy& copy) {
  Worker* worker = s.find_worker(id);
  if (worker != nullptr) worker->late.erase(key);
  if (worker != nullptr && copy.holds_credit) worker->credits.give_back(key);
  copy.holds_credit = copy.doubted = false;
  s.schedule_due = true;
}

// Votes that have come or may still come, and count.
int possible_votes(const State& s, const Ballot& ballot) {
  return static_cast<int>(
      std::count_if(ballot.copies.begin(), ballot.copies.end(), [&](const auto& entry) {
        const Copy& copy = entry.second;
        return (copy.vote || copy.failure.empty()) && !is_quarantined(s, entry.first);
      }));
}

bool is_voting(const TaskPlace& at) { return at.job->tasks[at.index].state == Task::State::voting; }

// Whose result is being written keeps it until that has succeeded.
void tell_to_forget(State& s, const protocol::TaskKey& key, const WorkerId& worker) {
  if (!is_awaited(s, worker, key)) s.send_worker(worker, protocol::Stored{key});
}

}  // namespace

Ballot* find_ballot(State& s, const protocol::TaskKey& key) {
  const auto at = s.ballots.find(key);
  return at == s.ballots.end() ? nullptr : &at->second;
}

Copy* find_copy(State& s, const protocol::TaskKey& key, const WorkerId& worker) {
  Ballot* ballot = find_ballot(s, key);
  if (ballot == nullptr) return nullptr;
  const auto at = ballot->copies.find(worker);
  return at == ballot->copies.end() ? nullptr : &at->second;
}

bool has_unconfirmed(const State& s, const JobId& job) {
  const protocol::TaskKey first{job, {}, {}};
  for (auto at = s.ballots.lower_bound(first); at != s.ballots.end() && at->first.job == job;
       ++at) {
    if (!at->second.decided) return true;
  }
  return false;
}

void end_round(State& s, const TaskPlace& at, const std::string& why, TakeBack how) {
  const auto& partition = s.find_plan(at.job->summary.plan)->plan.partitions[at.index];
  close_ballot(s, key_of(*at.job, partition));
  at.job->tasks[at.index].dispatches.clear();
  come_back(s, at, {}, why, how);
}

void settle_ballot(State& s, const protocol::TaskKey& key) {
  Ballot* ballot = find_ballot(s, key);
  if (ballot == nullptr || !ballot->decided) return;
  const bool over = ballot->stored || !find_task(s, key);
  if (!over) return;
  for (auto& [worker, copy] : ballot->copies) {
    if (copy.is_open()) continue;
    const bool first_time = copy.failure.empty();
    release_copy(s, key, worker, copy);
    if (first_time) s.send_worker(worker, protocol::Stored{key});
    copy.failure = "settled";
  }
  const bool open = std::any_of(ballot->copies.begin(), ballot->copies.end(),
                                [](const auto& copy) { return copy.second.is_open(); });
  if (!open) s.ballots.erase(key);
}

void end_doubts(State& s, const protocol::TaskKey& key) {
  Ballot* ballot = find_ballot(s, key);
  if (ballot == nullptr) return;
  for (auto& [worker, copy] : ballot->copies) copy.doubted = false;
  settle_ballot(s, key);
}

void on_ballot_stored(State& s, const protocol::TaskKey& key) {
  Ballot* ballot = find_ballot(s, key);
  if (ballot == nullptr) return;
  ballot->stored = true;
  ballot->doubted = s.now.steady;
  show_taken(s, key, *ballot);
  const auto forwarded = ballot->copies.find(ballot->forwarded);
  if (forwarded != ballot->copies.end()) release_copy(s, key, forwarded->first, forwarded->second);
  settle_ballot(s, key);
}

void close_ballot(State& s, const protocol::TaskKey& key) {
  Ballot* ballot = find_ballot(s, key);
  if (ballot == nullptr) return;
  for (auto& [worker, copy] : ballot->copies) {
    release_copy(s, key, worker, copy);
    s.send_worker(worker, protocol::Stored{key});
  }
  s.ballots.erase(key);
}

void lose_copy(State& s, const protocol::TaskKey& key, const WorkerId& worker,
               const std::string& why, TakeBack how) {
  Copy* copy = find_copy(s, key, worker);
  if (copy == nullptr || !copy->failure.empty()) return;
  Ballot& ballot = *find_ballot(s, key);
  release_copy(s, key, worker, *copy);
  copy->failure = why;
  // Fewer are outstanding: perhaps there is a verdict now.
  if (!copy->vote) ballot.number = ++s.last_ballot_number;
  const auto at = find_task(s, key);
  if (at && is_voting(*at) && possible_votes(s, ballot) < ballot.replication.quorum) {
    return end_round(s, *at, "too few of its replicas are left; the last one: " + why, how);
  }
  if (!copy->vote) send_ballot(s, key);
  settle_ballot(s, key);
}

void lose_copies(State& s, const WorkerId& worker, const std::string& why) {
  std::vector<protocol::TaskKey> keys;
  for (const auto& [key, ballot] : s.ballots) {
    if (ballot.copies.contains(worker)) keys.push_back(key);
  }
  for (const auto& key : keys) lose_copy(s, key, worker, why);
}

void lose_moved_copies(State& s, const PlanState& plan) {
  std::vector<std::pair<protocol::TaskKey, WorkerId>> moved;
  for (const auto& [key, ballot] : s.ballots) {
    if (key.plan != plan.id) continue;
    for (const auto& [worker, copy] : ballot.copies) {
      if (route_to(plan, key.partition, worker) == nullptr) moved.emplace_back(key, worker);
    }
  }
  for (const auto& [key, worker] : moved) {
    lose_copy(s, key, worker, "the partition was assigned to another worker");
    tell_to_forget(s, key, worker);
  }
}

void accuse(State& s, const protocol::TaskKey& key, const WorkerId& worker,
            const std::string& why) {
  Copy* copy = find_copy(s, key, worker);
  if (copy == nullptr || !copy->failure.empty()) return;
  copy->judged = true;
  count_lie(s, worker, key, why);
  lose_copy(s, key, worker, why);
}

namespace {

// All have voted, and there is no verdict.
bool is_due(const Ballot& ballot) {
  return !ballot.decided && std::none_of(ballot.copies.begin(), ballot.copies.end(),
                                         [](const auto& copy) { return copy.second.is_awaited(); });
}

void expire_doubts(State& s) {
  std::vector<protocol::TaskKey> settled;
  for (auto& [key, ballot] : s.ballots) {
    if (!ballot.decided || s.now.steady - ballot.doubted <= kDoubts) continue;
    if (!ballot.stored && find_task(s, key)) continue;
    settled.push_back(key);
  }
  for (const auto& key : settled) end_doubts(s, key);
}

}  // namespace

void expire_ballots(State& s) {
  if (!s.connected) return;
  expire_doubts(s);
  for (const auto& [key, ballot] : s.ballots) {
    const bool unanswered = ballot.number != ballot.answered;
    const Milliseconds since = s.now.steady - ballot.shown;
    if (since > kShowAgain && (unanswered || (since > kVerdictLost && is_due(ballot)))) {
      send_ballot(s, key);
    }
  }
  std::vector<std::pair<protocol::TaskKey, WorkerId>> overdue;
  for (const auto& [key, ballot] : s.ballots) {
    const Milliseconds patience =
        ballot.decided ? kLateVotes : Milliseconds(s.config.task_timeout_ms);
    for (const auto& [worker, copy] : ballot.copies) {
      const bool late = copy.is_awaited() && s.now.steady - copy.given > patience;
      if (late) overdue.emplace_back(key, worker);
    }
  }
  for (const auto& [key, worker] : overdue) {
    lose_copy(s, key, worker, "it did not vote in time");
    tell_to_forget(s, key, worker);
  }
}

void resend_copy(State& s, const protocol::TaskKey& key, const WorkerId& worker) {
  Copy* copy = find_copy(s, key, worker);
  const auto at = find_task(s, key);
  if (!at || copy == nullptr || !copy->is_awaited()) return;
  // What is stored and confirmed is not computed again, not even to find out who lies.
  const Ballot& ballot = *find_ballot(s, key);
  if (ballot.stored && ballot.decided) return;
  const auto& partition = s.find_plan(key.plan)->plan.partitions[at->index];
  if (!inputs_stored(*at->job, partition)) return;  // lost, and being made again
  if (inputs_of(*at->job, partition) != ballot.inputs) {
    lose_copy(s, key, worker, "what it computes with was made again");
    return tell_to_forget(s, key, worker);
  }
  copy->lease.sent = s.now.steady;
  send_order(s, *at->job, partition, {.worker = worker, .epoch = copy->epoch, .announce = true});
}

void resend_copies(State& s, const WorkerId& worker) {
  std::vector<protocol::TaskKey> keys;  // a ballot may end meanwhile
  for (const auto& [key, ballot] : s.ballots) keys.push_back(key);
  for (const auto& key : keys) resend_copy(s, key, worker);
}

}  // namespace hyps::hub
