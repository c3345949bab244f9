// Topics. Every process but the hub is a peer with an address of its own below hyps/<role letter>/.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "common/base/ids.hpp"

namespace hyps::protocol {

enum class Role : std::uint8_t { worker, manager, client, voter };

// Somebody the hub talks to.
struct Peer {
  Role role = Role::client;
  std::string id;
  auto operator<=>(const Peer&) const = default;
};
std::string to_string(const Peer& peer);  // "worker w1"
const char* service_of(Role role);        // "worker": as in its status topic

std::string inbox(const Peer& peer);   // "hyps/w/w1/in"  hub → peer; frames of messages
std::string outbox(const Peer& peer);  // "hyps/w/w1/out" peer → hub
std::string all_outboxes(Role role);   // "hyps/w/+/out"
std::optional<Peer> peer_of_outbox(const std::string& topic);
// "hyps/w/w1/beat": heartbeats, besides those in the outbox, on a connection of their own.
std::string beat_topic(const WorkerId& worker);
std::optional<WorkerId> worker_of_beat(const std::string& topic);
inline constexpr const char* kAllBeats = "hyps/w/+/beat";

std::string status_topic(const std::string& service, const std::string& id);  // retained, will
inline constexpr const char* kOnline = "online";
inline constexpr const char* kOffline = "offline";
struct StatusTopic {
  std::string service;  // "hub", "manager", "worker", "voter"
  std::string id;
};
std::optional<StatusTopic> parse_status_topic(const std::string& topic);
inline constexpr const char* kAllStatus = "hyps/+/+/status";

std::string input_topic(const ModelName& model);  // "hyps/<model>/input"
std::string output_topic(const ModelName& model);
std::string events_topic(const ModelName& model);
inline constexpr const char* kAllInputs = "hyps/+/input";
std::optional<ModelName> model_of_input(const std::string& topic);
inline constexpr const char* kClusterStatus = "hyps/status";

// A model may not be called like a role letter or service.
bool is_reserved(const ModelName& model);

}  // namespace hyps::protocol
