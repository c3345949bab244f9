// Models, their plans and routes, and what managers are told of them.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_deploy(State& s, const Peer& peer, const protocol::Deploy& deploy);
void on_remove(State& s, const Peer& peer, const protocol::Remove& remove);

void on_manager_hello(State& s, const Peer& manager);
void on_manager_status(State& s, const Peer& manager, bool online);
void on_set_plan(State& s, const Peer& manager, const protocol::SetPlan& set);
void on_set_routes(State& s, const Peer& manager, const protocol::SetRoutes& set);
void on_model_failed(State& s, const Peer& manager, const protocol::ModelFailed& failed);

// To all managers, when something has changed and the last one is not too fresh.
void send_snapshots(State& s);
// Plans that neither a model nor a job needs are forgotten, with their files.
void collect_plans(State& s);

// Names valid and unique, all stored whole.
Status check_files(const State& s, const std::vector<protocol::FileRef>& files);
store::Batch model_batch(const protocol::ModelRecord& model);
void refuse(State& s, const Peer& peer, std::uint64_t request, const Error& error);

}  // namespace hyps::hub
