// A user's input becomes a job, or is refused.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_user_input(State& s, const UserInput& input);

// The input of a finished job once more, under another job id. `then` once it is on disk, or
// refused.
void accept_replay(State& s, const UserInput& input, const std::string& detail,
                   const std::function<void(const Status&)>& then);

// Why no job is accepted at present; empty: jobs are.
JobId new_job_id(State& s);  // one that no job has
std::string refusing_because(const State& s);

}  // namespace hyps::hub
