// The core's state from what the store had.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void begin(State& s, Restored restored);
// At the first connection: which jobs go on, and from where.
void tell_resumed(State& s);

}  // namespace hyps::hub
