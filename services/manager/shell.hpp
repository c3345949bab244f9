// Shell: the core's hands. One thread runs the core; the bus's thread and a preparation's builder
// post to it.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/bus.hpp"
#include "common/protocol/topics.hpp"
#include "common/runtime/event_loop.hpp"
#include "services/manager/core.hpp"
#include "services/manager/preparation.hpp"

namespace hyps::manager {

struct ShellOptions {
  CoreConfig core;
  std::filesystem::path cache_folder;
  std::uint64_t cache_bytes = 0;
};

class Shell {
 public:
  Shell(ShellOptions options, std::unique_ptr<bus::Bus> bus);

  // Until `stopped`; then says goodbye.
  void run(const std::atomic<bool>& stopped);

 private:
  using Input = std::function<void()>;
  static constexpr std::size_t kMaxInputs = 1024;
  static constexpr Milliseconds kTick{100};

  void connect();
  void on_connected();
  void handle_message(const bus::Message& message);
  void on_built(const BuildDone& done);
  void handle_frame(const Blob& frame);
  void tick();
  void step(const Event& event);
  void check_preparation();

  void perform(const Publish& effect);
  void perform(const PrepareModel& effect);
  void perform(const Log& effect);

  void publish(const protocol::Message& message);
  void publish_all(const std::vector<protocol::Message>& messages);
  void publish_status(const char* status);

  const ShellOptions options_;
  const protocol::Peer self_;
  Core core_;
  runtime::EventLoop<Input> loop_{kMaxInputs};
  std::unique_ptr<bus::Bus> bus_;
  std::unique_ptr<Preparation> preparation_;  // last: its thread posts to the loop
};

}  // namespace hyps::manager
