#include "scrutineer.hpp"

#include <algorithm>
#include <variant>

#include "model.hpp"
#include "services/hub/failures.hpp"
#include "services/hub/keys.hpp"

namespace hyps::sim {

namespace {

const partition::Partition* find_partition(const protocol::TaskKey& task) {
  const partition::Plan* plan = find_plan(task.plan);
  return plan == nullptr ? nullptr : plan->find(task.partition);
}

const hub::Copy* find_copy(const hub::State& state, const protocol::TaskKey& task,
                           const WorkerId& worker) {
  const auto ballot = state.ballots.find(task);
  if (ballot == state.ballots.end()) return nullptr;
  const auto copy = ballot->second.copies.find(worker);
  return copy == ballot->second.copies.end() ? nullptr : &copy->second;
}

bool is_quarantined(const hub::State& state, const WorkerId& worker) {
  const auto known = state.reputations.find(worker);
  return known != state.reputations.end() && known->second.quarantined;
}

bool has_lied(const hub::State& state, const WorkerId& worker) {
  const auto known = state.reputations.find(worker);
  return known != state.reputations.end() && known->second.lies > 0;
}

Scrutineer::Made made_of(const std::vector<protocol::TensorRef>& outputs) {
  Scrutineer::Made made;
  for (const auto& output : outputs) made[output.tensor] = output.digest;
  return made;
}

}  // namespace

// ---- verdicts -----------------------------------------------------------------------------------

void Scrutineer::before(const hub::State& state, const hub::Event& event) {
  const auto* message = std::get_if<hub::FromPeer>(&event);
  if (message == nullptr) return;
  const auto* verdict = std::get_if<protocol::Verdict>(&message->message);
  if (verdict != nullptr) note_verdict(state, *verdict);
}

// What the partition was made of, if it is still there.
std::optional<std::map<std::string, Blob>> Scrutineer::inputs_of(
    const hub::State& state, const protocol::TaskKey& task,
    const partition::Partition& part) const {
  const auto sequence = state.unfinished.find(task.job);
  if (sequence == state.unfinished.end()) return std::nullopt;
  const auto& stored = state.jobs.at(sequence->second).stored;
  std::map<std::string, Blob> inputs;
  for (const auto& input : part.inputs) {
    const auto ref = stored.find(input.name);
    const auto data = world_.disk.now().get(hub::feature_map_key(task.job, input.name));
    if (ref == stored.end() || !data.ok()) return std::nullopt;
    if (digest_of(data->bytes()) != ref->second.digest) return std::nullopt;
    inputs[input.name] = *data;
  }
  return inputs;
}

// All have voted and a quorum agrees: whoever has announced something else is to be named.
void Scrutineer::note_verdict(const hub::State& state, const protocol::Verdict& verdict) {
  const auto ballot = state.ballots.find(verdict.task);
  const auto* part = find_partition(verdict.task);
  const bool agreed =
      verdict.outcome == static_cast<std::uint32_t>(protocol::Verdict::Outcome::agreed);
  if (!agreed || part == nullptr || ballot == state.ballots.end()) return;
  if (ballot->second.number != verdict.number) return;
  const auto inputs = inputs_of(state, verdict.task, *part);
  if (!inputs) return;
  std::vector<Vote> votes;
  std::map<WorkerId, Made> honest;
  for (const auto& [worker, copy] : ballot->second.copies) {
    if (copy.is_awaited()) return;
    if (!copy.vote) continue;
    votes.push_back({worker, copy.vote->outputs, !is_quarantined(state, worker)});
    for (const auto& [name, data] : compute(*part, *inputs, workers_.at(worker).arithmetic)) {
      honest[worker][name] = digest_of(data.bytes());
    }
  }
  note_lies(votes, static_cast<std::size_t>(ballot->second.replication.quorum), honest);
}

void Scrutineer::note_lies(const std::vector<Vote>& votes, std::size_t quorum,
                           const std::map<WorkerId, Made>& honest) {
  const auto counting = static_cast<std::size_t>(
      std::count_if(votes.begin(), votes.end(), [](const Vote& vote) { return vote.counts; }));
  if (counting >= 2 * quorum) return;  // two quorums may contradict each other
  for (const Vote& vote : votes) {
    const Made made = made_of(vote.outputs);
    if (made == honest.at(vote.worker)) continue;
    const auto contradicts = [&](const Vote& other) {
      return other.counts && made_of(other.outputs) == honest.at(other.worker) &&
             workers_.at(other.worker).arithmetic == workers_.at(vote.worker).arithmetic;
    };
    const auto of_its_kind =
        static_cast<std::size_t>(std::count_if(votes.begin(), votes.end(), contradicts));
    const bool tolerable = std::any_of(made.begin(), made.end(), [&](const auto& output) {
      return world_.tolerable_lies.contains(output.second);
    });
    if (of_its_kind >= quorum) must_be_named_.insert(vote.worker);
    if (all_is_well_ && !tolerable) will_be_named_.insert(vote.worker);
  }
}

void Scrutineer::after(const hub::State& state) {
  for (const auto& [worker, reputation] : state.reputations) {
    const auto known = workers_.find(worker);
    const bool honest = known == workers_.end() || known->second.lies == 0;
    const bool accused = reputation.lies > 0 || reputation.quarantined;
    if (honest && accused) world_.violate(worker.text + " is honest, and accused of lying");
  }
  for (const WorkerId& worker : must_be_named_) {
    if (has_lied(state, worker)) continue;
    world_.violate(worker.text + " has lied to a quorum of its own arithmetic, and is not named");
  }
  must_be_named_.clear();
}

std::string Scrutineer::unnamed(const hub::State& state) const {
  for (const WorkerId& worker : will_be_named_) {
    const auto known = state.workers.find(worker);
    const bool there = known != state.workers.end() && known->second.online;
    if (there && !has_lied(state, worker)) return worker.text + " has lied, and is not named";
  }
  return {};
}

// ---- what goes out ------------------------------------------------------------------------------

void Scrutineer::on_send(const hub::State& state, const hub::Send& send) {
  if (const auto* ballot = std::get_if<protocol::Ballot>(&send.message)) {
    check_ballot(state, send, *ballot);
  }
  const auto* run = std::get_if<protocol::Run>(&send.message);
  if (run == nullptr) return;
  const WorkerId worker(send.to.id);
  check_unseen(state, worker, *run);
  check_standby(state, worker, *run);
  given_.emplace(run->task, worker);
}

void Scrutineer::check_ballot(const hub::State& state, const hub::Send& send,
                              const protocol::Ballot& ballot) {
  if (send.to.role != protocol::Role::voter) {
    world_.violate("a ballot is shown to " + protocol::to_string(send.to));
  }
  for (const auto& vote : ballot.votes) {
    if (!vote.counts || !is_quarantined(state, vote.worker)) continue;
    world_.violate("the vote of " + vote.worker.text + ", which is in quarantine, is counted");
  }
}

// Who sees a result may repeat it.
void Scrutineer::check_unseen(const hub::State& state, const WorkerId& worker,
                              const protocol::Run& run) {
  const partition::Plan* plan = find_plan(run.task.plan);
  const hub::Copy* here = find_copy(state, run.task, worker);
  const bool seen_before =
      here != nullptr && here->vote;  // it is asked to show what it has made of it
  if (plan == nullptr || seen_before) return;
  for (const auto& part : plan->partitions) {
    for (const auto& output : part.outputs) {
      const bool shown = std::any_of(run.inputs.begin(), run.inputs.end(),
                                     [&](const auto& ref) { return ref.tensor == output.name; });
      const hub::Copy* copy = find_copy(state, {run.task.job, run.task.plan, part.name}, worker);
      if (!shown || copy == nullptr || !copy->is_awaited()) continue;
      world_.violate(worker.text + " is shown " + output.name + " of job " + run.task.job.text +
                     " before it has voted on it");
    }
  }
}

// Who stands by is not asked for what the one before it, which has nothing to do, is late with
// nothing and has not failed at it lately, is there for.
void Scrutineer::check_standby(const hub::State& state, const WorkerId& worker,
                               const protocol::Run& run) {
  const auto* part = find_partition(run.task);
  const auto plan = state.plans.find(run.task.plan);
  if (part == nullptr || plan == state.plans.end()) return;
  const bool standby = part->replication.replicas > 1 && !part->replication.votes();
  const auto routes = plan->second.routes.find(part->name);
  const bool again = given_.contains({run.task, worker});
  if (!standby || again || routes == plan->second.routes.end()) return;
  for (const protocol::Route& route : routes->second) {
    if (route.worker == worker) return;
    const auto known = state.workers.find(route.worker);
    const bool idle = known != state.workers.end() && known->second.online &&
                      known->second.assigned && known->second.credits.empty() &&
                      !known->second.straggles_with;
    if (!idle || is_quarantined(state, route.worker)) continue;
    if (hub::failed_at(state, known->second, plan->second.id, part->name)) continue;
    if (part->safe_zone && !known->second.info.safe_zone) continue;
    world_.violate(part->name.text + " is given to " + worker.text + ", while " +
                   route.worker.text + " is there for it");
  }
}

}  // namespace hyps::sim
