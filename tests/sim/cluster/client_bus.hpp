// The bus of a simulated process: the real lanes, over a simulated connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/bus.hpp"
#include "common/bus/lanes.hpp"
#include "network.hpp"

namespace hyps::sim {

class ClientBus final : public Socket, public std::enable_shared_from_this<ClientBus> {
 public:
  struct Handlers {
    std::function<void(bus::Message)> message;
    std::function<void()> connected;
    std::function<void()> disconnected;
  };

  ClientBus(World& world, Network& network, std::string client, std::vector<std::string> filters,
            bus::Message will, Handlers handlers);

  void start();  // and connects again and again
  void stop();   // as when the process dies: the will remains
  Status publish(bus::Message message);
  Status send(std::string topic, bus::Source source);
  void wake();

  void on_message(bus::Message message) override;
  void on_acknowledged(std::uint64_t serial) override;
  void on_lost() override;

 private:
  void try_connect();
  void try_again();
  void pump();
  bool send_next();

  World& world_;
  Network& network_;
  const std::string client_;
  const std::vector<std::string> filters_;
  const bus::Message will_;
  Handlers handlers_;
  bus::Lanes lanes_;
  ConnectionPtr connection_;
  bool stopped_ = false;
  bool pumping_ = false;
};

// Retained, as a service's status and its will are.
bus::Message status_message(const std::string& service, const std::string& id, const char* status);

}  // namespace hyps::sim
