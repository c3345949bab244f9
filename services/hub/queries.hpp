// What people ask (API.md).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_query(State& s, const Peer& peer, const protocol::Query& query);

nlohmann::json model_json(const State& s, const ModelName& name);  // with plan_json and files
// Of a model, for people; empty: all is well.
std::string problem_of(const State& s, const protocol::ModelRecord& model);
nlohmann::json status_json(const State& s);
// On hyps/status, when something has changed, twice a second at most.
void publish_status(State& s);

}  // namespace hyps::hub
