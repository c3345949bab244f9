#include "services/worker/compute_thread.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "services/worker/open_cached.hpp"
#include "services/worker/process_memory.hpp"

namespace hyps::worker {

namespace {

class Stopwatch {
 public:
  [[nodiscard]] std::uint64_t microseconds() const {
    const auto passed = std::chrono::steady_clock::now() - start_;
    const auto count = std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 1));
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

bool is_fault_of_input(ErrorKind kind) {
  return kind == ErrorKind::invalid || kind == ErrorKind::unsupported;
}

std::uint64_t bytes_of(const std::vector<cnn::Value>& values) {
  std::uint64_t bytes = 0;
  for (const cnn::Value& value : values) bytes += static_cast<std::uint64_t>(value.bytes());
  return bytes;
}

Needs needs_of(const Runner& runner) {
  const engine::Footprint footprint = runner.footprint();
  return {footprint.weights,     footprint.streamable,      footprint.window,
          footprint.activations, bytes_of(runner.inputs()), bytes_of(runner.outputs())};
}

Result<std::vector<Blob>> in_order(const std::vector<NamedBlob>& given,
                                   const std::vector<cnn::Value>& wanted) {
  std::vector<Blob> ordered;
  for (const cnn::Value& value : wanted) {
    const auto found = std::find_if(given.begin(), given.end(),
                                    [&](const NamedBlob& blob) { return blob.name == value.name; });
    if (found == given.end()) {
      return Error{ErrorKind::not_found, "input '" + value.name + "' was not given"};
    }
    ordered.push_back(found->data);
  }
  return ordered;
}

}  // namespace

ComputeThread::ComputeThread(std::unique_ptr<engine::Engine> engine, BundleCache& cache,
                             std::function<void(Event)> post)
    : engine_(std::move(engine)), cache_(cache), post_(std::move(post)) {
  thread_ = std::thread([this] { loop(); });
}

ComputeThread::~ComputeThread() {
  stopping_ = true;
  queue_.close();
  thread_.join();
}

void ComputeThread::add(Work work) { queue_.push(std::move(work)); }

void ComputeThread::loop() {
  constexpr auto kLong = std::chrono::hours(1);
  while (!stopping_) {
    if (const auto work = queue_.pop_until(std::chrono::steady_clock::now() + kLong)) {
      std::visit([this](const auto& item) { work_on(item); }, *work);
    }
  }
}

void ComputeThread::work_on(const Load& load) {
  const Stopwatch stopwatch;
  try {
    auto runner = open_cached(load, cache_, *engine_);
    give_back_unused();
    if (!runner) return post_(LoadFailed{load.serial, runner.error().message});
    const Needs needs = needs_of(**runner);
    runners_[load.serial] = std::move(*runner);
    post_(Loaded{load.serial, needs.weights + needs.activations, stopwatch.microseconds(), needs});
  } catch (const std::bad_alloc&) {
    post_(LoadFailed{load.serial, "the system has no memory left for it"});
  }
}

void ComputeThread::work_on(const Unload& unload) {
  runners_.erase(unload.serial);
  give_back_unused();
}

void ComputeThread::work_on(const Retain& retain) {
  const auto runner = runners_.find(retain.serial);
  if (runner != runners_.end()) runner->second->keep_weights(retain.bytes);
}

// Partitions are assigned, and mostly asked for, in the order of the plan.
void ComputeThread::prefetch_after(Serial serial) {
  auto next = runners_.upper_bound(serial);
  if (next == runners_.end()) next = runners_.begin();
  if (next->first != serial) next->second->prefetch();
}

Result<std::vector<Output>> ComputeThread::run(const Compute& compute) {
  const auto runner = runners_.find(compute.serial);
  if (runner == runners_.end()) return Error{ErrorKind::not_found, "the partition is not loaded"};
  HYPS_TRY(const auto inputs, in_order(compute.inputs, runner->second->inputs()));
  prefetch_after(compute.serial);
  HYPS_TRY(auto results, runner->second->run(inputs));
  std::vector<Output> outputs;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string& name = runner->second->outputs().at(i).name;
    outputs.push_back({{name, results[i].size(), digest_of(results[i].bytes())}, results[i]});
  }
  return outputs;
}

void ComputeThread::work_on(const Compute& compute) {
  const Stopwatch stopwatch;
  try {
    auto outputs = run(compute);
    if (outputs) {
      post_(Computed{compute.task, std::move(*outputs), stopwatch.microseconds()});
    } else {
      const Error& error = outputs.error();
      post_(ComputeFailed{compute.task, is_fault_of_input(error.kind), error.message});
    }
  } catch (const std::bad_alloc&) {
    post_(ComputeFailed{compute.task, false, "the system has no memory left to compute it"});
  }
}

}  // namespace hyps::worker
