// Scrubbing: stored files are read again, slowly, part by part, so that rot is found before the
// file is needed.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// On tick: reads the next part when scrub_period_ms have passed.
void scrub(State& s);

}  // namespace hyps::hub
