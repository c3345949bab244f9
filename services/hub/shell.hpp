// Shell: the hub's hands. Carries messages between bus, store and core; decides nothing.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/bus/bus.hpp"
#include "common/bus/pulse.hpp"
#include "common/protocol/stream.hpp"
#include "common/service/compressor.hpp"
#include "common/service/host.hpp"
#include "common/store/store.hpp"
#include "services/hub/core.hpp"
#include "services/hub/pulses.hpp"
#include "services/hub/relay_streams.hpp"

namespace hyps::hub {

class Shell {
 public:
  // Errors: the store cannot be read.
  static Result<std::unique_ptr<Shell>> make(Config config, std::unique_ptr<bus::Bus> bus,
                                             std::unique_ptr<bus::Pulse> pulse,
                                             std::shared_ptr<store::Store> store);
  ~Shell();
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  // Until `stopped`; then says goodbye and closes the bus.
  void run(const std::atomic<bool>& stopped);

 private:
  friend struct Act;

  Shell(Config config, std::unique_ptr<bus::Bus> bus, std::unique_ptr<bus::Pulse> pulse,
        std::shared_ptr<store::Store> store, Restored restored);
  void on_connected();
  void on_disconnected();
  void take_message(bus::Message message);
  void take_packet(const Peer& peer, const Blob& packet);
  void take_chunk(const Peer& peer, const protocol::Chunk& chunk);
  void take_input(const ModelName& model, bus::Message message);
  void tick();
  // Runs the core on the event, once all before it is answered that has to be.
  void take(Event event);
  // What its effects answer, until nothing is left to answer; then what they say goes out.
  void end_round();
  void answer_all();
  void step(const Event& event);
  void perform(std::vector<Effect> effects);
  void write_all();
  void say_frames();
  void say_all();

  Config config_;
  service::Host host_;
  std::shared_ptr<store::Store> store_;
  Core core_;
  protocol::StreamReader streams_;
  RelayStreams relays_;
  service::Compressor compressor_;
  // Of the round going on.
  std::vector<Persist> writes_;  // put off, to be done as one
  std::size_t write_bytes_ = 0;  // in them
  std::deque<Event> answers_;    // to Persist and ReadRecord
  std::deque<Event> failures_;   // of effects that could not be carried out
  std::map<Peer, std::vector<Blob>> frames_;
  std::size_t frame_bytes_ = 0;  // in them
  // After the messages of the round: an order is there before what it is about.
  struct Stream {
    Stream(Peer peer, bus::Source from, std::function<void(const Error&)> otherwise)
        : to(std::move(peer)), source(std::move(from)), refused(std::move(otherwise)) {}
    Peer to;
    bus::Source source;
    std::function<void(const Error&)> refused;
  };
  std::vector<Stream> feature_maps_;
  std::vector<Publish> publications_;
  std::uint64_t next_stream_;
  int ticks_ = 0;

  // What the bus's threads have to tell, taken with the next tick.
  class Mailbox {
   public:
    void put(Event event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    std::vector<Event> take() {
      const std::lock_guard lock(mutex_);
      return std::exchange(events_, {});
    }

   private:
    std::mutex mutex_;
    std::vector<Event> events_;
  };
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  Pulses pulses_;
  std::unique_ptr<bus::Pulse> pulse_;  // its thread fills pulses_
  std::jthread backup_;                // the latest; posts to host_, so it goes first
};

}  // namespace hyps::hub
