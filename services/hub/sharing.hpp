// Inputs that several tasks of a job take on one worker are sent there once: slices of a layer all
// take the whole of its input.
#pragma once

#include <set>
#include <string>

#include "services/hub/state.hpp"

namespace hyps::hub {

// Inputs of a task, by tensor, that the worker has, or is being sent, for another task of the job;
// small ones apart, which travel with their order. A guess: the other may be computed, and its
// inputs gone, before the order arrives; then the worker says Lacking.
std::set<std::string> shared_inputs(const State& s, const Job& job, const PlanState& plan,
                                    std::size_t index, const WorkerId& worker);

// All inputs are sent.
void on_lacking(State& s, const WorkerId& worker, const protocol::Lacking& lacking);

}  // namespace hyps::hub
