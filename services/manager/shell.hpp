// Shell: the core's hands. One thread runs the core; the bus's thread and a preparation's builder
// post to it.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>

#include "common/service/hub_link.hpp"
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
  [[nodiscard]] service::HubLink::Handlers handlers();
  void on_built(const BuildDone& done);
  void handle(Result<protocol::Message> message);
  void tick();
  void step(const Event& event);
  void check_preparation();

  void perform(const Publish& effect);
  void perform(const PrepareModel& effect);
  void perform(const Log& effect) { runtime::log(effect); }

  const ShellOptions options_;
  Core core_;
  service::HubLink link_;
  std::unique_ptr<Preparation> preparation_;  // last: its thread posts to the link
};

}  // namespace hyps::manager
