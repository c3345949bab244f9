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
#include <string_view>
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
  // Of what is published: called once on a thread of the bus, when the broker has it or refuses it,
  // or it is given up. Never after stop().
  std::function<void()> settled{};

  [[nodiscard]] std::string property(const std::string& name) const;  // "" when absent
};

// Called on the bus's thread, or within send() or wake(). Gives the next frame, holding at most
// `bytes` of payload; or nullopt at the end; or an empty frame when there is nothing yet: it is
// asked again after wake().
using Source = std::function<std::optional<Blob>(std::size_t bytes)>;

// Bytes a second that the link to the broker was lately seen to carry; 0: not known.
struct LinkRates {
  double sending = 0;
  double arriving = 0;
};

struct Handlers {
  std::function<void(Message)> message;
  std::function<void()> connected;  // after all subscriptions are in force again
  std::function<void(std::string reason)> disconnected;
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Never blocks. Errors: overloaded (bound reached; what was queued stays queued); invalid (no
  // topic to publish to, or larger than the broker takes); disconnected (after stop).
  virtual Status publish(Message message) = 0;
  // Errors: overloaded; invalid; disconnected (now, not later: start again at `connected`).
  virtual Status send(std::string topic, Source source) = 0;
  // Sources that had nothing yet are asked again. Never blocks.
  virtual void wake() = 0;
  [[nodiscard]] virtual LinkRates link_rates() const = 0;  // sources may ask
  // Before start. Filters are remembered and renewed at each connect; one that MQTT does not know
  // (is_valid_filter) is reported and left out.
  virtual void subscribe(std::string filter) = 0;
  // Connects and keeps connecting; call once, after subscribe. Handlers may run from here on.
  virtual void start(Handlers handlers) = 0;
  // Waits up to `ms` for what publish() accepted to be acknowledged, then closes without a will. A
  // bus that is destroyed without it leaves its will behind. Not to be called by a handler.
  virtual void stop(int ms) = 0;
};

// Where the bus says what befalls it: runtime::log_warn fits. Events: bus.waiting, bus.connected,
// bus.lost, bus.message_dropped, bus.bad_filter; each at a bounded rate.
using Report = std::function<void(std::string_view event,
                                  const std::vector<std::pair<std::string_view, std::string>>&)>;

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
  Report report{};  // none: lines on standard error
};
std::unique_ptr<Bus> make_mqtt_bus(MqttOptions options);

// All buses of one MemoryBroker see each other. For tests and simulation.
class MemoryBroker;
std::shared_ptr<MemoryBroker> make_memory_broker();
std::unique_ptr<Bus> make_memory_bus(std::shared_ptr<MemoryBroker> broker, std::string client_id,
                                     std::string will_topic = {}, std::string will_payload = {});

// As MQTT 5 defines it (section 4.7): + is one whole level, # the rest and only at the end.
bool is_valid_filter(const std::string& filter);
bool is_valid_topic(const std::string& topic);  // to publish to: no wildcards, no NUL, not empty
// REQUIRES: is_valid_filter(filter). Wildcards in front do not match topics that begin with $.
bool matches(const std::string& filter, const std::string& topic);

}  // namespace hyps::bus
