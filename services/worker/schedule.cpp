// What the compute thread does next: which partition it loads, which tasks it computes in one go.
#include <algorithm>
#include <utility>

#include "services/worker/core.hpp"

namespace hyps::worker {

using protocol::TaskKey;

namespace {

constexpr int kMaxOvertaken = 8;

}  // namespace

void Core::schedule() {
  if (outstanding_ > 0) return;
  Partition* partition = nullptr;
  if (choose_task(partition) == nullptr) {
    waiting_ = waited_ = false;
    if (Partition* ahead = partitions_.preloadable()) start_loading(*ahead);
    return;
  }
  if (partition->state != PartitionState::loaded) return start_loading(*partition);
  const Batch batch = batch_of(*partition);
  const Milliseconds time = patience(*partition, batch);
  if (time.count() == 0) return start_computing(*partition, batch);
  wait(time);
}

// The oldest whose partition is loaded; the oldest of all once that was overtaken often enough, or
// if nothing loaded has work.
Task* Core::choose_task(Partition*& partition) {
  Task* oldest = nullptr;
  Task* oldest_loaded = nullptr;
  Partition* of_oldest = nullptr;
  Partition* of_loaded = nullptr;
  for (auto& [key, task] : tasks_.all()) {
    if (task.state != TaskState::ready) continue;
    Partition* candidate = partitions_.find(key_of(key));
    if (candidate == nullptr || !Partitions::usable(*candidate)) continue;
    if (oldest == nullptr || task.id < oldest->id) {
      oldest = &task;
      of_oldest = candidate;
    }
    if (candidate->state != PartitionState::loaded) continue;
    if (oldest_loaded == nullptr || task.id < oldest_loaded->id) {
      oldest_loaded = &task;
      of_loaded = candidate;
    }
  }
  if (oldest == nullptr || oldest_loaded == nullptr || oldest->overtaken >= kMaxOvertaken) {
    partition = of_oldest;
    return oldest;
  }
  if (oldest != oldest_loaded) ++oldest->overtaken;
  partition = of_loaded;
  return oldest_loaded;
}

// Further images need room beside what tasks hold: their results, and what they carry.
std::size_t Core::most_in_batch(const Partition& partition) const {
  if (!partition.gains_from_batches) return 1;
  const std::uint64_t each = std::max<std::uint64_t>(partition.needs.further_image, 1);
  const std::uint64_t further = tasks_.free_bytes() / each;
  return std::clamp<std::uint64_t>(config_.info.max_batch, 1, further + 1);
}

// How long each is here, complete.
std::vector<Milliseconds> Core::ages_of(const Batch& batch) const {
  std::vector<Milliseconds> ages;
  ages.reserve(batch.size());
  for (const auto& [key, task] : batch) ages.push_back(now_.steady - task->progress);
  return ages;
}

// The oldest ready tasks of the partition, as many as are computed in one go.
Core::Batch Core::batch_of(const Partition& partition) {
  Batch batch;
  for (auto& [key, task] : tasks_.all()) {
    const bool ready = task.state == TaskState::ready && key_of(key) == partition.key();
    if (ready) batch.emplace_back(key, &task);
  }
  std::sort(batch.begin(), batch.end(),
            [](const auto& a, const auto& b) { return a.second->id < b.second->id; });
  if (const std::size_t most = most_in_batch(partition); batch.size() > most) batch.resize(most);
  batch.resize(partition.batching.size(ages_of(batch), config_.batch_latency));
  return batch;
}

// For more of a batch; only while the thread has nothing else to do. 0: no longer.
Milliseconds Core::patience(const Partition& partition, const Batch& batch) const {
  if (waited_ || batch.size() >= most_in_batch(partition)) return Milliseconds(0);
  const auto& all = tasks_.all();
  const auto ready = std::count_if(all.begin(), all.end(), [](const auto& entry) {
    return entry.second.state == TaskState::ready;
  });
  if (std::cmp_not_equal(ready, batch.size())) return Milliseconds(0);
  return std::min(config_.batch_wait,
                  partition.batching.patience(ages_of(batch), config_.batch_latency));
}

void Core::wait(Milliseconds time) {
  if (waiting_) return;
  waiting_ = true;
  effects_.emplace_back(Wait{++wait_, time});
}

// The answer to a wait that was cut short means nothing any more.
void Core::on(const Waited& event) {
  if (waiting_ && event.wait == wait_) waited_ = true;
}

void Core::start_computing(Partition& partition, const Batch& batch) {
  Compute compute{partition.serial, {}};
  std::size_t input_bytes = 0;
  for (const auto& [key, task] : batch) {
    Compute::Item item{task->id, {}};
    for (const protocol::TensorRef& ref : task->wanted) {
      item.inputs.push_back({ref.tensor, task->inputs.at(ref.tensor).data});
    }
    compute.items.push_back(std::move(item));
    input_bytes += task->input_bytes();
    task->state = TaskState::computing;
    log(Log::Level::info, "computing",
        {{"job", key.job.text}, {"partition", to_string(key_of(key))}});
  }
  if (batch.size() > 1) {
    log(Log::Level::info, "computing.together",
        {{"partition", to_string(partition.key())}, {"images", std::to_string(batch.size())}});
  }
  partitions_.touch(partition);
  tasks_.begin_computing(
      input_bytes, (batch.size() - 1) * static_cast<std::size_t>(partition.needs.further_image));
  outstanding_ += batch.size();
  computing_ = partition.serial;
  waiting_ = waited_ = false;
  effects_.emplace_back(std::move(compute));
}

// The thread is done with one thing.
void Core::answered() {
  if (--outstanding_ == 0) tasks_.end_computing();
}

// The last answer of a batch tells how long it took.
void Core::learn(const Computed& event) {
  Partition* partition = partitions_.find(computing_);
  if (outstanding_ > 0 || partition == nullptr) return;
  partition->batching.note(event.together, event.compute_us * event.together);
}

bool Core::has_work(const Partition& partition) {
  const auto& all = tasks_.all();
  return std::any_of(all.begin(), all.end(), [&](const auto& entry) {
    return entry.second.state == TaskState::ready && key_of(entry.first) == partition.key();
  });
}

void Core::start_loading(Partition& partition) {
  Effects effects =
      partitions_.load(partition, [this](const Partition& other) { return has_work(other); });
  ++outstanding_;
  waiting_ = waited_ = false;
  add(std::move(effects));
}

}  // namespace hyps::worker
