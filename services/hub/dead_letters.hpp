// Failed jobs: kept with their input, to be looked at and tried once more.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// Of what a failed job has stored its input stays.
void keep_input_only(const Job& job, store::Batch& batch);
// What a finished job's feature maps take on disk.
std::int64_t kept_bytes(const Job& job);

void on_replay(State& s, const Peer& peer, const protocol::Replay& replay);

}  // namespace hyps::hub
