// Failures: a worker that fails at a partition for a reason of its own (its disk does not give the
// bundle, it has no memory left, it sends what is not the plan's) is asked last for it, so that not
// every job waits for it to fail.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// It could not do this task, and said so. The manager is told the partition (State::late): it adds
// a route if there is no other.
void note_failure(State& s, const WorkerId& worker, const protocol::TaskKey& task);
// It has done this one.
void note_success(State& s, const WorkerId& worker, const protocol::TaskKey& task);
// When it failed at the partition last; nullopt if that is a minute ago, or it has done a task of
// it since.
std::optional<Milliseconds> failed_at(const State& s, const Worker& worker, const PlanId& plan,
                                      const PartitionName& partition);

}  // namespace hyps::hub
