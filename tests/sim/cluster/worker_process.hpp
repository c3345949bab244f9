// A worker's process: its real core, and what its shell and compute thread do, in virtual time. It
// computes the network of model.hpp. Checks that it stays within its memory and its zone.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/partition/plan.hpp"
#include "lying.hpp"
#include "process.hpp"
#include "services/worker/core.hpp"
#include "transfer.hpp"

namespace hyps::sim {

struct WorkerSetup {
  std::string id;
  bool safe = false;
  std::uint64_t memory_bytes = 0;
  std::size_t buffer_bytes = 0;
  int arithmetic = 0;
  std::uint64_t lies = 0;  // percent of its results, where they are compared
  bool may_flip = true;    // what it sends may change in its memory: as bad as a lie
};

class WorkerProcess final : public Process {
 public:
  WorkerProcess(World& world, Network& network, WorkerSetup setup);

  void set_slowness(int factor) { slowness_ = factor; }
  void wipe_cache() { cache_.clear(); }
  [[nodiscard]] const WorkerSetup& setup() const { return setup_; }
  [[nodiscard]] std::size_t held_bytes() const { return life_->core.held_bytes(); }

 private:
  using Work = std::variant<worker::Load, worker::Unload, worker::Compute, worker::Wait>;
  struct Loaded {
    const partition::Partition* partition = nullptr;
    std::uint64_t memory_bytes = 0;
  };
  struct Life {
    explicit Life(worker::CoreConfig config, FileCache& cache) : core(config), download(cache) {}
    worker::Core core;
    Download download;
    std::map<worker::Serial, std::vector<protocol::FileRef>> fetches;
    std::set<std::uint64_t> sending;
    std::vector<Blob> frames;  // of the round going on
    std::deque<Work> work;     // of the compute thread; the first is being done
    std::map<worker::Serial, Loaded> loaded;
    std::shared_ptr<ClientBus> bus;
  };
  friend struct Perform;

  void on_start() override;
  void on_crash() override;
  void on_tick() override;
  void connect();
  void take_message(const bus::Message& message);
  void take_packet(const Blob& packet);
  void take(Result<protocol::Message> message);
  void take_refused(const protocol::Refused& refused);
  void check_secrets(const protocol::Message& message);
  void check_fetches();
  void step(const worker::Event& event);
  void publish(const protocol::Message& message);
  void pulse(const protocol::Heartbeat& heartbeat);
  void send_tensor(const worker::SendTensor& effect);

  // ---- the compute thread ----
  void add_work(Work work);
  void begin_work();
  void do_work(const worker::Load& load);
  void do_work(const worker::Unload& unload);
  void do_work(const worker::Compute& compute);
  void do_work(const worker::Wait& wait) { step(worker::Waited{wait.wait}); }
  void compute(const worker::Compute& batch, const worker::Compute::Item& item);
  [[nodiscard]] bool has_bundle(const worker::Load& load) const;

  const WorkerSetup setup_;
  const std::size_t small_tensor_bytes_;
  Liar liar_;
  FileCache cache_;  // survives the process
  int slowness_ = 1;
  std::shared_ptr<Life> life_;
};

}  // namespace hyps::sim
