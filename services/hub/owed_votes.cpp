// Who sees a result may repeat it: nobody is shown one before it has voted on it.
#include "services/hub/ballots.hpp"
#include "services/hub/recovery.hpp"

namespace hyps::hub {

namespace {

// Calls `found` with each input of the partition that this worker still owes a vote on.
template <typename Found>
void each_owed(State& s, const JobId& job, const PlanState& plan,
               const partition::Partition& partition, const WorkerId& worker, Found found) {
  for (const auto& input : partition.inputs) {
    const auto producer = plan.producer.find(input.name);
    if (producer == plan.producer.end()) continue;
    const protocol::TaskKey key{job, plan.id, plan.plan.partitions[producer->second].name};
    const Copy* copy = find_copy(s, key, worker);
    if (copy != nullptr && copy->is_awaited()) found(key);
  }
}

}  // namespace

OwedVotes owed_votes_on_inputs(State& s, const JobId& job, const PlanState& plan,
                               const partition::Partition& partition, const WorkerId& worker) {
  OwedVotes owed = OwedVotes::none;
  each_owed(s, job, plan, partition, worker, [&](const protocol::TaskKey& key) {
    if (!find_ballot(s, key)->decided) owed = OwedVotes::needed;
    if (owed == OwedVotes::none) owed = OwedVotes::late;
  });
  return owed;
}

void forgo_votes_on_inputs(State& s, const JobId& job, const PlanState& plan,
                           const partition::Partition& partition, const WorkerId& worker) {
  std::vector<protocol::TaskKey> owed;
  each_owed(s, job, plan, partition, worker,
            [&](const protocol::TaskKey& key) { owed.push_back(key); });
  for (const auto& key : owed) {
    lose_copy(s, key, worker, "it is shown the result, and its vote is worth nothing any more");
    s.send_worker(worker, protocol::Stored{key});
  }
}

}  // namespace hyps::hub
