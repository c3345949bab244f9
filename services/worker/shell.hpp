// Shell: the core's hands. One thread runs the core; the bus's thread and the compute thread post
// to it; files are fetched from here.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/bus/pulse.hpp"
#include "common/runtime/file_transfer.hpp"
#include "common/service/compressor.hpp"
#include "common/service/hub_link.hpp"
#include "services/worker/bundle_cache.hpp"
#include "services/worker/compute_thread.hpp"
#include "services/worker/core.hpp"

namespace hyps::worker {

struct ShellOptions {
  CoreConfig core;
  std::filesystem::path cache_folder;
  std::uint64_t cache_bytes = 0;
  std::string compression = "auto";  // of results: auto, on, off
};

class Shell {
 public:
  Shell(ShellOptions options, std::unique_ptr<bus::Bus> bus, std::unique_ptr<bus::Pulse> pulse,
        std::unique_ptr<engine::Engine> engine);

  // Until `stopped`; then says goodbye. The error: the cache folder cannot be used.
  Status run(const std::atomic<bool>& stopped);

 private:
  // Ends of streams, told by the bus's thread, which must never wait for ours.
  struct Ended {
    std::mutex mutex;
    std::vector<std::uint64_t> streams;
  };
  using Flag = std::shared_ptr<std::atomic<bool>>;

  [[nodiscard]] service::HubLink::Handlers handlers();
  void handle(Result<protocol::Message> message);
  void tick();
  void step(const Event& event);

  void perform(const Publish& effect);
  void perform(const Pulse& effect);
  void perform(const SendTensor& effect);
  void perform(const StopSending& effect);
  void perform(const Fetch& effect);
  void perform(const Keep& effect);
  void perform(const Load& effect);
  void perform(const Unload& effect);
  void perform(const Retain& effect);
  void perform(const Compute& effect);
  void perform(const Wait& effect);
  void perform(const Log& effect) { runtime::log(effect); }

  void send_small(const SendTensor& effect);
  void on_refused(const protocol::Refused& refused);
  void check_fetches();
  void check_ended();

  const ShellOptions options_;
  Core core_;
  BundleCache cache_;
  runtime::FileFetcher fetcher_;
  std::map<Serial, std::vector<protocol::FileRef>> fetches_;
  std::map<std::uint64_t, Flag> sending_;
  std::shared_ptr<Ended> ended_ = std::make_shared<Ended>();
  service::HubLink link_;
  service::Compressor compressor_;  // asked by the bus's thread
  std::unique_ptr<bus::Pulse> pulse_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<ComputeThread> compute_;  // last: its thread posts to the link
};

}  // namespace hyps::worker
