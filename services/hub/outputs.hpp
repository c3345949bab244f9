// Outputs of finished jobs, for clients.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// Streams it, or says why not.
void on_output_get(State& s, const Peer& peer, const protocol::OutputGet& get);

}  // namespace hyps::hub
