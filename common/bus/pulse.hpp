// Pulse: small messages that are worth something only now (heartbeats), at once or never, on a
// connection and a thread of their own: neither feature maps nor a busy process hold them up. Two
// implementations: MQTT 5 (libmosquitto; README.md says why not Paho) and in-memory. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/blob.hpp"
#include "common/bus/bus.hpp"

namespace hyps::bus {

class Pulse {
 public:
  // On the pulse's thread, which it may not keep.
  using Handler = std::function<void(std::string topic, Blob payload)>;

  // Ends the connection; no handler runs afterwards.
  virtual ~Pulse() = default;
  // Connects, and keeps connecting; call once. An empty filter: sends only.
  virtual void start(std::string filter, Handler handler) = 0;
  // Never blocks. False: there is no connection now. Nothing is ever sent later or again.
  virtual bool send(const std::string& topic, const Blob& payload) = 0;
};

// Broker, credentials, client_id and report as for a bus, of which only the client_id must differ.
// There is no will.
std::unique_ptr<Pulse> make_mqtt_pulse(MqttOptions options);
std::unique_ptr<Pulse> make_memory_pulse(std::shared_ptr<MemoryBroker> broker);

}  // namespace hyps::bus
