// The hub's process: its real core, and what its shell does, over simulated bus and disk.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/protocol/stream.hpp"
#include "ledger.hpp"
#include "process.hpp"
#include "services/hub/core.hpp"
#include "services/hub/pulses.hpp"
#include "services/hub/relay_streams.hpp"

namespace hyps::sim {

class HubProcess final : public Process {
 public:
  HubProcess(World& world, Network& network, Ledger& ledger, hub::Config config);

  // Dies in the middle of its work: before the n-th effect from now (nothing: it does not).
  void crash_at_effect(std::optional<int> n) { effects_to_live_ = n; }
  // REQUIRES: alive().
  [[nodiscard]] const hub::State& state() const { return life_->core.state(); }

 private:
  struct Act;
  struct Life {
    Life(const hub::Config& config, hub::Restored restored, std::uint64_t seed, Now now);
    hub::Core core;
    protocol::StreamReader streams;
    hub::RelayStreams relays;
    // Of the round going on.
    std::vector<hub::Persist> writes;
    std::deque<hub::Event> answers;
    std::deque<hub::Event> failures;
    std::map<protocol::Peer, std::vector<Blob>> frames;
    std::vector<hub::Publish> publications;
    bool round_is_open = false;
    std::vector<hub::Event> told;  // by the bus; taken with the next tick
    std::uint64_t next_stream;
    int ticks = 0;
    hub::Pulses pulses;
    std::shared_ptr<ClientBus> bus;
  };

  void on_start() override;
  void on_crash() override;
  void on_tick() override;
  void connect();
  void on_connected();
  void on_disconnected();
  void take_message(bus::Message message);
  void take_status(const bus::Message& message);
  void take_packet(const protocol::Peer& peer, const Blob& packet);
  void take_chunk(const protocol::Peer& peer, const protocol::Chunk& chunk);
  void take_input(const ModelName& model, bus::Message message);
  void take(hub::Event event);
  void end_round();
  void answer_all();
  void step(const hub::Event& event);
  void perform(const std::vector<hub::Effect>& effects);
  void write_all(Life& life);
  void say_all(Life& life);
  [[nodiscard]] bool dies_now();

  Ledger& ledger_;
  const hub::Config config_;
  std::shared_ptr<Life> life_;
  std::optional<int> effects_to_live_;
  const std::size_t small_tensor_bytes_;
};

}  // namespace hyps::sim
