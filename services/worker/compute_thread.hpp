// ComputeThread: the one thread that loads partitions and computes. Answers with core events.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <variant>

#include "common/base/bounded_queue.hpp"
#include "common/engine/engine.hpp"
#include "services/worker/bundle_cache.hpp"
#include "services/worker/events.hpp"
#include "services/worker/runner.hpp"

namespace hyps::worker {

class ComputeThread {
 public:
  using Clock = std::chrono::steady_clock;
  using Work = std::variant<Load, Unload, Retain, Compute, Wait>;

  // `post` is called on the thread. The cache outlives this.
  ComputeThread(std::unique_ptr<engine::Engine> engine, BundleCache& cache,
                std::function<void(Event)> post);
  ~ComputeThread();  // waits for the work going on
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  void add(Work work);  // in order

 private:
  static constexpr std::size_t kMaxWork = 1U << 16U;  // the core gives one at a time, and unloads

  void loop();
  void work_on(const Load& load);
  void work_on(const Unload& unload);
  void work_on(const Retain& retain);
  void work_on(const Compute& compute);
  void work_on(const Wait& wait);
  void prefetch_after(Serial serial);
  [[nodiscard]] bool compute_together(const Compute& compute);
  void compute_alone(Serial serial, const Compute::Item& item);
  [[nodiscard]] Result<std::vector<std::vector<Output>>> run(Serial serial,
                                                             std::span<const Compute::Item> items);

  std::unique_ptr<engine::Engine> engine_;
  BundleCache& cache_;
  std::function<void(Event)> post_;
  std::map<Serial, std::unique_ptr<Runner>> runners_;
  BoundedQueue<Work> queue_{kMaxWork};
  std::uint64_t wait_ = 0;  // the number of the last Wait
  std::optional<Clock::time_point> waits_until_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace hyps::worker
