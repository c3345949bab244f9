// Workers: who is there, what each was told to hold, what it says it is doing.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_hello(State& s, const WorkerId& worker, const protocol::Hello& hello);
void on_heartbeat(State& s, const WorkerId& worker, const protocol::Heartbeat& heartbeat);
// One that came on the connection of heartbeats.
void on_beat(State& s, const Beat& beat);
void on_worker_status(State& s, const WorkerId& worker, bool online);
void on_bus_connected_again(State& s);

// On tick: those that say nothing.
void lose_silent_workers(State& s);

// Tells every worker whose work has changed all of its work.
void assign_all(State& s);
// Whether the file belongs to something this worker was assigned.
bool may_read(const State& s, const WorkerId& worker, const Digest& file);

}  // namespace hyps::hub
