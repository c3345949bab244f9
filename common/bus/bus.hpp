// Bus: publish and subscribe behind a port. Two implementations: MQTT 5 (Paho) and in-memory.
// Thread-safe; handlers are called on threads of the bus (README.md) and must only move the
// message into a bounded queue.
//
// Two lanes. publish() is for small control messages: bounded, at least once, kept and sent again
// across a reconnect. send() is for bulk: a source is asked for the next chunk only when the window
// of unacknowledged bytes has room, so a large feature map is never queued as a whole and never
// stalls the socket; sources are served in turn. Bulk still unfinished when the connection breaks
// is dropped, and its owner starts again when it sees the connection back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"

namespace hyps::bus {

struct Message {
  std::string topic{};
  Blob payload{};
  bool retained = false;
  std::string response_topic{};                                   // MQTT 5; empty: none
  std::string correlation{};                                      // MQTT 5 correlation data
  std::vector<std::pair<std::string, std::string>> properties{};  // MQTT 5 user properties

  [[nodiscard]] std::string property(const std::string& name) const;  // "" when absent
};

// Gives the next frame, holding at most `bytes` of payload, or nullopt at the end.
using Source = std::function<std::optional<Blob>(std::size_t bytes)>;

struct Handlers {
  std::function<void(Message)> message;
  std::function<void()> connected;  // after all subscriptions are in force again
  std::function<void(std::string reason)> disconnected;
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Never blocks. Errors: overloaded (bound reached; what was queued stays queued).
  virtual Status publish(Message message) = 0;
  virtual Status send(std::string topic, Source source) = 0;
  // Filters are remembered and renewed at each connect.
  virtual void subscribe(std::string filter) = 0;
  // Connects and keeps connecting; call once, after subscribe. Handlers may run from here on.
  virtual void start(Handlers handlers) = 0;
  // Waits up to `ms` for what publish() accepted to be acknowledged, then closes without a will.
  virtual void stop(int ms) = 0;
};

struct MqttOptions {
  std::string host = "127.0.0.1";
  int port = 1883;
  std::string client_id;
  std::string username;  // empty: anonymous
  std::string password;
  // Retained; the broker publishes it when this client vanishes.
  std::string will_topic;
  std::string will_payload;
  std::size_t max_queued_messages = 20'000;
  std::size_t max_queued_bytes = 64U << 20U;
};
std::unique_ptr<Bus> make_mqtt_bus(MqttOptions options);

// All buses of one MemoryBroker see each other. For tests and simulation.
class MemoryBroker;
std::shared_ptr<MemoryBroker> make_memory_broker();
std::unique_ptr<Bus> make_memory_bus(std::shared_ptr<MemoryBroker> broker, std::string client_id,
                                     std::string will_topic = {}, std::string will_payload = {});

// MQTT topic filter matching with + and #.
bool matches(const std::string& filter, const std::string& topic);

}  // namespace hyps::bus
