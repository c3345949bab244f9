// Results that proved wrong are made again, with all that was made of them.
#pragma once

#include <string>

#include "services/hub/recovery.hpp"
#include "services/hub/state.hpp"

namespace hyps::hub {

// Counts as what it is taken for (recovery.hpp): too often fails the job.
// REQUIRES: the job is running, and the task is stored, or is being stored and holds no credit.
void redo_from(State& s, const TaskPlace& at, const std::string& why, TakeBack how);
// What workers that were found to lie (State::liars) alone have made of unfinished jobs, or are
// making.
void redo_all_of_liars(State& s);

}  // namespace hyps::hub
