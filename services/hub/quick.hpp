// Quick tasks: what travels in the packet of its order, or shares what is there already, and is
// computed in no time. A worker may
// have many of them, or it would idle between any two of them for longer than it computes.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// A run of this partition took so long on a worker.
void learn_compute_time(PlanState& plan, std::size_t index, std::uint64_t compute_us);

// So many of this task that worker may have at a time; 0: it is none of the quick ones, which
// worker_credits bound.
std::size_t most_quick_tasks(const State& s, const Job& job, const PlanState& plan,
                             std::size_t index, const WorkerId& worker);

// Whether the model may have one more job running beside so many. `limit`: of any size.
bool may_start(const State& s, const PlanState& plan, std::int64_t running, std::int64_t limit);

}  // namespace hyps::hub
