#include "common/protocol/topics.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace hyps::protocol {

namespace {

constexpr std::string_view kRoot = "hyps";

std::vector<std::string> levels_of(const std::string& topic) {
  std::vector<std::string> levels;
  std::size_t start = 0;
  while (true) {
    const std::size_t slash = topic.find('/', start);
    levels.push_back(topic.substr(start, slash - start));
    if (slash == std::string::npos) return levels;
    start = slash + 1;
  }
}

std::string join(std::string_view a, std::string_view b, std::string_view c) {
  std::string topic(kRoot);
  for (const std::string_view level : {a, b, c}) {
    if (!level.empty()) topic.append("/").append(level);
  }
  return topic;
}

const char* letter(Role role) {
  switch (role) {
    case Role::worker:
      return "w";
    case Role::manager:
      return "m";
    case Role::client:
      return "c";
    case Role::voter:
      return "v";
  }
  return "c";
}

std::optional<Role> role_of(std::string_view text) {
  for (const Role role : {Role::worker, Role::manager, Role::client, Role::voter}) {
    if (text == letter(role)) return role;
  }
  return std::nullopt;
}

}  // namespace

const char* service_of(Role role) {
  switch (role) {
    case Role::worker:
      return "worker";
    case Role::manager:
      return "manager";
    case Role::client:
      return "client";
    case Role::voter:
      return "voter";
  }
  return "client";
}

std::string to_string(const Peer& peer) {
  return std::string(service_of(peer.role)) + " " + peer.id;
}

std::string inbox(const Peer& peer) { return join(letter(peer.role), peer.id, "in"); }
std::string outbox(const Peer& peer) { return join(letter(peer.role), peer.id, "out"); }
std::string all_outboxes(Role role) { return join(letter(role), "+", "out"); }

std::optional<Peer> peer_of_outbox(const std::string& topic) {
  const auto levels = levels_of(topic);
  if (levels.size() != 4 || levels[0] != kRoot || levels[3] != "out") return std::nullopt;
  const auto role = role_of(levels[1]);
  if (!role || !is_valid_name(levels[2])) return std::nullopt;
  return Peer{*role, levels[2]};
}

std::string beat_topic(const WorkerId& worker) {
  return join(letter(Role::worker), worker.text, "beat");
}

std::optional<WorkerId> worker_of_beat(const std::string& topic) {
  const auto levels = levels_of(topic);
  const bool fits = levels.size() == 4 && levels[0] == kRoot && levels[1] == letter(Role::worker) &&
                    levels[3] == "beat";
  if (!fits || !is_valid_name(levels[2])) return std::nullopt;
  return WorkerId(levels[2]);
}

std::string status_topic(const std::string& service, const std::string& id) {
  return join(service, id, "status");
}

std::optional<StatusTopic> parse_status_topic(const std::string& topic) {
  const auto levels = levels_of(topic);
  if (levels.size() != 4 || levels[0] != kRoot || levels[3] != "status") return std::nullopt;
  if (!is_valid_name(levels[1]) || !is_valid_name(levels[2])) return std::nullopt;
  return StatusTopic{levels[1], levels[2]};
}

std::string input_topic(const ModelName& model) { return join(model.text, "input", {}); }
std::string output_topic(const ModelName& model) { return join(model.text, "output", {}); }
std::string events_topic(const ModelName& model) { return join(model.text, "events", {}); }

std::optional<ModelName> model_of_input(const std::string& topic) {
  const auto levels = levels_of(topic);
  if (levels.size() != 3 || levels[0] != kRoot || levels[2] != "input") return std::nullopt;
  if (!is_valid_name(levels[1])) return std::nullopt;
  return ModelName(levels[1]);
}

bool is_reserved(const ModelName& model) {
  constexpr std::array<std::string_view, 10> names{
      "w", "m", "c", "v", "hub", "manager", "worker", "client", "voter", "status"};
  return std::find(names.begin(), names.end(), model.text) != names.end();
}

}  // namespace hyps::protocol
