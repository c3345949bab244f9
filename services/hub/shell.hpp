// Shell: the hub's hands. Carries messages between bus, store and core; decides nothing.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "common/bus/bus.hpp"
#include "common/protocol/stream.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/store/store.hpp"
#include "services/hub/core.hpp"

namespace hyps::hub {

// The bus must have been made with this will.
std::string will_topic(const Config& config);

class Shell {
 public:
  // Errors: the store cannot be read.
  static Result<std::unique_ptr<Shell>> make(Config config, std::unique_ptr<bus::Bus> bus,
                                             std::shared_ptr<store::Store> store);
  ~Shell();
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  // Until `stopped`; then says goodbye and closes the bus.
  void run(const std::atomic<bool>& stopped);

 private:
  using Input = std::variant<bus::Message, Event>;
  friend struct Act;

  Shell(Config config, std::unique_ptr<bus::Bus> bus, std::shared_ptr<store::Store> store,
        Restored restored);
  void connect();
  void say_status(const char* status);
  void handle(Input input);
  void take_message(bus::Message message);
  void take_frame(const Peer& peer, const Blob& frame);
  void take_chunk(const Peer& peer, const protocol::Chunk& chunk);
  void take_input(const ModelName& model, bus::Message message);
  void tick();
  // Runs the core on the event and on all that its effects answer.
  void step(Event event);

  Config config_;
  std::unique_ptr<bus::Bus> bus_;
  std::shared_ptr<store::Store> store_;
  Core core_;
  runtime::EventLoop<Input> loop_;
  protocol::StreamReader streams_;
  std::deque<Event> pending_;
  std::uint64_t next_stream_;
  int ticks_ = 0;

  // Sources run on the bus's thread; what fails there is told here and taken at the next chance.
  struct Mailbox {
    std::mutex mutex;
    std::vector<InputNotSent> failures;
  };
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::jthread backup_;  // the latest; uses loop_, so it goes first
};

}  // namespace hyps::hub
