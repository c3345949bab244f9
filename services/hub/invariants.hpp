// What is always true of the core's state between two events. Checked after each step in debug
// builds and in tests.
#pragma once

#include <string>

#include "services/hub/state.hpp"

namespace hyps::hub {

// The first that does not hold; empty: all do.
std::string broken_invariant(const State& s);

}  // namespace hyps::hub
