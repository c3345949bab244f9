// Results that proved wrong are made again, with all that was made of them.
#pragma once

#include <string>

#include "services/hub/recovery.hpp"
#include "services/hub/state.hpp"

namespace hyps::hub {

void redo_from(State& s, const TaskPlace& at, const std::string& why);
// What this worker alone has made of unfinished jobs.
void redo_all_of(State& s, const WorkerId& worker);

}  // namespace hyps::hub
