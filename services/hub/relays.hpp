// Relays: results that are forwarded to the workers that need them next while they still arrive.
//
//     stream of a result begins ─▶ arriving ─all here─▶ arrived ─stored, task dispatched─▶ used
//                                     └──────────┴── sender or taker gone, result not as
//                                                    announced, nobody dispatched in time ─▶ broken
//                                                    off
//
// A relay promises nothing: the Run that makes the bytes an input is sent as ever, once they are
// stored, to whom the schedule then chooses. If that worker has been relayed them, they are not
// sent to it again.
#pragma once

#include "services/hub/recovery.hpp"
#include "services/hub/state.hpp"

namespace hyps::hub {

// The first chunk of several of a worker's result is here: relays it, if it is clear who computes
// what comes next.
void on_stream_began(State& s, const StreamBegan& event);
// All of it is here.
void on_relayed_arrival(State& s, const WorkerId& sender, const protocol::Arrival& arrival);
void on_relay_ended(State& s, const RelayEnded& event);

// What goes on of them nobody will tell: the connection is gone.
void forget_relays(State& s);
// The sending of the task's results has come to nothing.
void end_relays_of(State& s, const protocol::TaskKey& task);
// The worker may have dropped what it was relayed.
void end_relays_to(State& s, const WorkerId& worker);

// After each event: breaks off those that have come to nothing.
void drop_vain_relays(State& s);

// Other tasks than this one whose inputs are being relayed to the worker: each takes a credit.
std::set<protocol::TaskKey> expected_tasks(const State& s, const WorkerId& worker,
                                           const protocol::TaskKey& but_for);
// The task is given to this worker now. Returns the inputs that it need not be sent, and ends all
// relays for the task.
std::set<std::string> use_relays(State& s, const Job& job, const protocol::TaskKey& key,
                                 const WorkerId& worker, Epoch epoch);

}  // namespace hyps::hub
