// Stragglers: a task that takes much longer than expected is given to a second worker too, and the
// first result counts. What is expected is what the partition took lately, on whichever worker.
#pragma once

#include "services/hub/recovery.hpp"

namespace hyps::hub {

// It took so long from being given to being here.
void learn_pace(PlanState& plan, std::size_t index, Milliseconds took);
// nullopt: nothing of this plan has been seen yet.
std::optional<Milliseconds> expected_time(const PlanState& plan, std::size_t index);

// On tick. A partition that has no second worker is named to the manager (State::late), for as long
// as it is late now and then. A worker whose task was given to a second one straggles with it
// (Worker::straggles_with) until it says that it no longer has it.
void double_stragglers(State& s);

}  // namespace hyps::hub
