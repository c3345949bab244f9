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
  return {footprint.weights,      footprint.streamable,      footprint.window,
          footprint.activations,  bytes_of(runner.inputs()), bytes_of(runner.outputs()),
          footprint.further_image};
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
    const auto until = waits_until_.value_or(Clock::now() + kLong);
    if (const auto work = queue_.pop_until(until)) {
      std::visit([this](const auto& item) { work_on(item); }, *work);
    } else if (waits_until_ && Clock::now() >= *waits_until_) {
      waits_until_.reset();
      post_(Waited{wait_});
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
    const bool gains = (*runner)->gains_from_batches();
    runners_[load.serial] = std::move(*runner);
    post_(Loaded{load.serial, needs.weights + needs.activations, stopwatch.microseconds(), needs,
                 gains});
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

Result<std::vector<std::vector<Output>>> ComputeThread::run(Serial serial,
                                                            std::span<const Compute::Item> items) {
  const auto runner = runners_.find(serial);
  if (runner == runners_.end()) return Error{ErrorKind::not_found, "the partition is not loaded"};
  std::vector<std::vector<Blob>> batch;
  for (const Compute::Item& item : items) {
    HYPS_TRY(batch.emplace_back(), in_order(item.inputs, runner->second->inputs()));
  }
  prefetch_after(serial);
  HYPS_TRY(const auto results, runner->second->run_many(batch));
  std::vector<std::vector<Output>> outputs;
  for (const auto& result : results) {
    auto& output = outputs.emplace_back();
    for (std::size_t i = 0; i < result.size(); ++i) {
      const std::string& name = runner->second->outputs().at(i).name;
      output.push_back({{name, result[i].size(), digest_of(result[i].bytes())}, result[i]});
    }
  }
  return outputs;
}

// What fails together is computed one by one: whoever is to blame is told alone.
void ComputeThread::work_on(const Compute& compute) {
  if (compute.items.size() > 1 && compute_together(compute)) return;
  for (const Compute::Item& item : compute.items) compute_alone(compute.serial, item);
}

bool ComputeThread::compute_together(const Compute& compute) {
  const Stopwatch stopwatch;
  std::vector<std::vector<Output>> outputs;
  try {
    auto computed = run(compute.serial, compute.items);
    if (!computed) return false;
    outputs = std::move(*computed);
  } catch (const std::bad_alloc&) {
    return false;  // one by one needs less
  }
  const std::uint64_t each_us = stopwatch.microseconds() / compute.items.size();
  for (std::size_t i = 0; i < compute.items.size(); ++i) {
    post_(Computed{compute.items[i].task, std::move(outputs[i]),
                   std::max<std::uint64_t>(each_us, 1),
                   static_cast<std::uint32_t>(compute.items.size())});
  }
  return true;
}

void ComputeThread::compute_alone(Serial serial, const Compute::Item& item) {
  const Stopwatch stopwatch;
  try {
    auto outputs = run(serial, {&item, 1});
    if (outputs) {
      post_(Computed{item.task, std::move(outputs->front()), stopwatch.microseconds()});
    } else {
      const Error& error = outputs.error();
      post_(ComputeFailed{item.task, is_fault_of_input(error.kind), error.message});
    }
  } catch (const std::bad_alloc&) {
    post_(ComputeFailed{item.task, false, "the system has no memory left to compute it"});
  }
}

void ComputeThread::work_on(const Wait& wait) {
  wait_ = wait.wait;
  waits_until_ = Clock::now() + wait.time;
}

}  // namespace hyps::worker
