// A user's input becomes a job, or is refused.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_user_input(State& s, const UserInput& input);

// Why no job is accepted at present; empty: jobs are.
std::string refusing_because(const State& s);

}  // namespace hyps::hub
