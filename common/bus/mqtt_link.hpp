// MqttLink: one connection to a broker, from connect to loss; never reused. The only file beside
// its .cpp that knows Paho.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/bus.hpp"
#include "common/bus/sockets.hpp"

namespace hyps::bus {

class MqttLink {
 public:
  // Called on Paho's threads.
  struct Events {
    std::function<void(Message)> message;
    // A publish ended: the broker took it, or refused it (access, quota) and never will. One that
    // fails because the connection breaks does not end: `lost` comes instead.
    std::function<void(std::uint64_t serial, bool accepted)> ended;
    // May come more than once.
    std::function<void(std::string reason)> lost;
    // Asked while waiting for the broker's answers: true ends the waiting.
    std::function<bool()> given_up;
  };

  virtual ~MqttLink() = default;
  // QoS 1. `serial` comes back in Events::ended. Errors: disconnected.
  virtual Status publish(const Message& message, std::uint64_t serial) = 0;
  // What can be published now without that the socket takes a part only.
  [[nodiscard]] virtual Room room() = 0;
  [[nodiscard]] virtual Through through() const = 0;
  // The broker's maximum packet size, bytes.
  [[nodiscard]] virtual std::size_t max_packet_bytes() const = 0;
  // Says `last_words`, if any, then goodbye: the broker does not publish the will. (MQTT's
  // "disconnect with will" is out of reach: the C++ library drops the reason code.)
  virtual void disconnect(const std::optional<Message>& last_words) = 0;
};

// Blocks until connected and subscribed, or not. Errors: disconnected; invalid (a filter refused).
Result<std::unique_ptr<MqttLink>> connect_mqtt(const MqttOptions& options,
                                               const std::vector<std::string>& filters,
                                               MqttLink::Events events);

}  // namespace hyps::bus
