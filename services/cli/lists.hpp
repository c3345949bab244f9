// The hub's JSON (common/protocol/API.md) as text for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace hyps::cli {

// what: "workers", "models", "jobs", "partitions", "status"
std::string list_text(const std::string& what, const nlohmann::json& reply);
// A job's timeline, one line an event, time since acceptance first.
std::string timeline_text(const nlohmann::json& timeline);
std::string event_text(const nlohmann::json& event);

}  // namespace hyps::cli
