// A voter's process: its real core, and what its shell does. It may be slow to read.
#pragma once

#include <memory>
#include <string>

#include "process.hpp"
#include "services/voter/core.hpp"

namespace hyps::sim {

class VoterProcess final : public Process {
 public:
  VoterProcess(World& world, Network& network, const std::string& id);

  // So long it takes to read each message.
  void set_slowness(Milliseconds slowness) { slowness_ = slowness; }

 private:
  struct Life {
    explicit Life(voter::CoreConfig config) : core(std::move(config)) {}
    voter::Core core;
    Milliseconds busy_until{0};
    std::shared_ptr<ClientBus> bus;
  };

  void on_start() override;
  void on_crash() override;
  void on_tick() override;
  void connect();
  void take_message(const bus::Message& message);
  void take_packet(const Blob& packet);
  void step(const voter::Event& event);
  void publish(const protocol::Message& message);

  Milliseconds slowness_{0};
  std::shared_ptr<Life> life_;
};

}  // namespace hyps::sim
