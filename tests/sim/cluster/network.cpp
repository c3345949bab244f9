#include "network.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/protocol/messages.hpp"

namespace hyps::sim {

namespace {

constexpr std::int64_t kShortestKeepalive = 3000;
constexpr std::int64_t kLongestKeepalive = 12'000;
constexpr std::size_t kTypeAt = 13;  // in a frame (FORMAT.md)

bool is_frame(const std::string& topic) {
  const bool of_peer = topic.starts_with("hyps/w/") || topic.starts_with("hyps/m/") ||
                       topic.starts_with("hyps/c/") || topic.starts_with("hyps/v/");
  return of_peer && (topic.ends_with("/in") || topic.ends_with("/out") || topic.ends_with("/beat"));
}

template <typename M>
constexpr std::size_t type_of() {
  return protocol::Message(M{}).index();
}

// What may be overtaken: the cores say that it comes in any order, or each stands for itself.
bool stands_overtaking(const bus::Message& message) {
  if (!is_frame(message.topic) || message.payload.size() <= kTypeAt) return false;
  const auto type = static_cast<std::size_t>(message.payload.bytes()[kTypeAt]);
  static const std::array kTypes{type_of<protocol::TaskDone>(),   type_of<protocol::TaskFailed>(),
                                 type_of<protocol::Run>(),        type_of<protocol::Stored>(),
                                 type_of<protocol::Chunk>(),      type_of<protocol::PartPut>(),
                                 type_of<protocol::PartStored>(), type_of<protocol::PartGet>(),
                                 type_of<protocol::Part>(),       type_of<protocol::Snapshot>(),
                                 type_of<protocol::Ballot>(),     type_of<protocol::Verdict>()};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

bool wants(const Connection& connection, const std::string& topic) {
  return std::any_of(connection.filters.begin(), connection.filters.end(),
                     [&](const std::string& filter) { return bus::matches(filter, topic); });
}

}  // namespace

// ---- lines --------------------------------------------------------------------------------------

void Network::travel_up(const ConnectionPtr& connection, Action action) {
  connection->last_up = std::max(connection->last_up, world_.clock.now() + latency());
  world_.clock.at(connection->last_up,
                  [this, client = connection->client, action = std::move(action)]() mutable {
                    arrive(client, true, std::move(action));
                  });
}

void Network::travel_down(const ConnectionPtr& connection, Action action) {
  connection->last_down = std::max(connection->last_down, world_.clock.now() + latency());
  world_.clock.at(connection->last_down,
                  [this, client = connection->client, action = std::move(action)]() mutable {
                    arrive(client, false, std::move(action));
                  });
}

void Network::arrive(const std::string& client, bool up, Action action) {
  Line& line = lines_[client];
  if (up ? line.up_cut : line.down_cut) {
    line.held.push_back(std::move(action));
  } else {
    action();
  }
}

void Network::cut(const std::string& client, bool up, bool down, bool frozen) {
  Line& line = lines_[client];
  line.up_cut = line.up_cut || up;
  line.down_cut = line.down_cut || down;
  line.frozen = line.frozen || frozen;
  const std::uint64_t number = ++line.cuts;
  // Without pings the broker gives up; without their answers the client does.
  const auto patience = [this] { return world_.random_ms(kShortestKeepalive, kLongestKeepalive); };
  if (up) {
    world_.clock.after(patience(), [this, client, number] { time_out(client, number, true); });
  }
  if (!frozen) {
    world_.clock.after(patience(), [this, client, number] { time_out(client, number, false); });
  }
}

void Network::time_out(const std::string& client, std::uint64_t cut, bool at_broker) {
  const Line& line = lines_[client];
  if (line.cuts != cut || (!line.up_cut && !line.down_cut)) return;
  if (at_broker) {
    const auto session = sessions_.find(client);
    if (session != sessions_.end()) drop(session->second);
    return;
  }
  const auto connection = latest_.find(client);
  if (connection == latest_.end() || line.frozen) return;
  close(connection->second);
  lose(connection->second);
}

void Network::heal(const std::string& client) {
  Line& line = lines_[client];
  ++line.cuts;
  line.up_cut = line.down_cut = line.frozen = false;
  std::deque<Action> held = std::exchange(line.held, {});
  for (Action& action : held) arrive(client, true, std::move(action));
}

// ---- connections --------------------------------------------------------------------------------

ConnectionPtr Network::connect(const std::string& client, std::vector<std::string> filters,
                               bus::Message will, const std::shared_ptr<Socket>& socket) {
  const Line& line = lines_[client];
  if (!broker_up_ || line.up_cut || line.down_cut) return nullptr;
  // The broker ends an older session of the same name.
  if (const auto old = sessions_.find(client); old != sessions_.end()) drop(old->second);
  auto connection = std::make_shared<Connection>();
  connection->client = client;
  connection->filters = std::move(filters);
  connection->will = std::move(will);
  connection->socket = socket;
  sessions_[client] = latest_[client] = connection;
  for (const auto& [topic, message] : retained_) {
    if (wants(*connection, topic)) forward(connection, message);
  }
  return connection;
}

void Network::close(const ConnectionPtr& connection) {
  travel_up(connection, [this, connection] { drop(connection); });
}

// Ends the session, and says its will.
void Network::drop(const ConnectionPtr& connection) {
  if (!connection->at_broker) return;
  connection->at_broker = false;
  const auto session = sessions_.find(connection->client);
  if (session != sessions_.end() && session->second == connection) sessions_.erase(session);
  if (!connection->will.topic.empty()) publish(connection->will);
  travel_down(connection, [connection] { lose(connection); });
}

void Network::lose(const ConnectionPtr& connection) {
  const auto socket = connection->socket.lock();
  connection->socket.reset();
  if (socket) socket->on_lost();
}

void Network::crash_broker() {
  broker_up_ = false;
  retained_.clear();
  for (auto& [client, connection] : std::exchange(sessions_, {})) {
    connection->at_broker = false;
    travel_down(connection, [gone = connection] { lose(gone); });
  }
}

// ---- messages -----------------------------------------------------------------------------------

void Network::send(const ConnectionPtr& connection, std::uint64_t serial, bus::Message message) {
  travel_up(connection, [this, connection, serial, message = std::move(message)] {
    if (!connection->at_broker) return;
    publish(message);
    travel_down(connection, [connection, serial] {
      if (!connection->at_broker) return;
      if (const auto socket = connection->socket.lock()) socket->on_acknowledged(serial);
    });
  });
}

void Network::pulse(const std::string& client, bus::Message message) {
  world_.clock.after(latency(), [this, client, message = std::move(message)] {
    arrive(client, true, [this, message] {
      if (broker_up_) publish(message);
    });
  });
}

void Network::publish(bus::Message message) {
  if (tap) tap(message);
  if (message.retained) retained_[message.topic] = message;
  message.retained = false;
  for (const auto& [client, connection] : sessions_) {
    if (wants(*connection, message.topic)) forward(connection, message);
  }
}

void Network::forward(const ConnectionPtr& to, bus::Message message) {
  const Rates& rates = world_.rates;
  if (world_.happens(rates.lost)) return;
  if (is_frame(message.topic)) damage(message);
  if (world_.happens(rates.doubled)) deliver(to, message);
  if (world_.happens(rates.late) && stands_overtaking(message)) {
    return world_.clock.after(world_.random_ms(1, world_.random.below(2) == 0 ? 400 : 6000),
                              [this, to, message = std::move(message)] {
                                if (to->at_broker) deliver(to, message);
                              });
  }
  deliver(to, message);
}

void Network::deliver(const ConnectionPtr& to, const bus::Message& message) {
  travel_down(to, [to, message] {
    if (!to->at_broker) return;
    if (const auto socket = to->socket.lock()) socket->on_message(message);
  });
}

void Network::damage(bus::Message& message) {
  if (world_.happens(world_.rates.corrupted) && !message.payload.empty()) {
    std::string bytes(message.payload.text());
    bytes[world_.random.below(bytes.size())] ^= static_cast<char>(1U << world_.random.below(8));
    message.payload = Blob::of(std::move(bytes));
  }
  if (world_.happens(world_.rates.truncated)) {
    message.payload = message.payload.slice(0, world_.random.below(message.payload.size() + 1));
  }
}

}  // namespace hyps::sim
