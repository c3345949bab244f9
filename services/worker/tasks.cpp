#include "services/worker/tasks.hpp"

#include <algorithm>
#include <utility>

namespace hyps::worker {

using protocol::TaskKey;
using protocol::TensorRef;

namespace {

const TensorRef* find_ref(const std::vector<TensorRef>& refs, const std::string& tensor) {
  const auto found = std::find_if(refs.begin(), refs.end(),
                                  [&](const TensorRef& ref) { return ref.tensor == tensor; });
  return found == refs.end() ? nullptr : &*found;
}

bool is(const Input& input, const TensorRef& ref) {
  return input.data.size() == ref.bytes && input.digest == ref.digest;
}

// Room is taken from what is announced, so a frame cannot promise more than anybody holds.
std::uint64_t saturating_sum(const std::vector<TensorRef>& refs, std::uint64_t limit) {
  std::uint64_t sum = 0;
  for (const TensorRef& ref : refs) {
    if (ref.bytes > limit - sum) return limit + 1;
    sum += ref.bytes;
  }
  return sum;
}

}  // namespace

std::size_t Task::input_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, input] : inputs) bytes += input.data.size();
  return bytes;
}

std::size_t Task::held_bytes() const {
  std::size_t bytes = state == TaskState::computing ? 0 : input_bytes();
  for (const Output& output : outputs) bytes += output.data.size();
  return bytes;
}

std::size_t Tasks::held_bytes() const {
  std::size_t bytes = streams_.bytes() + lent_;
  for (const auto& [key, task] : tasks_) bytes += task.held_bytes();
  return bytes;
}

std::size_t Tasks::free_bytes() const {
  const std::size_t taken = held_bytes() + reserved_;
  return limits_.bytes > taken ? limits_.bytes - taken : 0;
}

std::vector<TaskKey> Tasks::keys() const {
  std::vector<TaskKey> keys;
  for (const auto& [key, task] : tasks_) keys.push_back(key);
  return keys;
}

Task* Tasks::find(const TaskKey& key) {
  const auto found = tasks_.find(key);
  return found == tasks_.end() ? nullptr : &found->second;
}

Task* Tasks::find(TaskId id) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [&](const auto& entry) { return entry.second.id == id; });
  return found == tasks_.end() ? nullptr : &found->second;
}

Task* Tasks::open(const TaskKey& key, Epoch epoch, Milliseconds now) {
  if (tasks_.size() >= limits_.tasks && !tasks_.contains(key)) {
    ++counters_.refused;
    return nullptr;
  }
  Task task;
  task.id = ++last_id_;
  task.epoch = epoch;
  task.progress = now;
  return &tasks_.insert_or_assign(key, std::move(task)).first->second;
}

Tasks::Outcome Tasks::on_run(const protocol::Run& run, Milliseconds now) {
  if (saturating_sum(run.inputs, limits_.most()) > limits_.most()) {
    ++counters_.refused;
    return Outcome::too_large;
  }
  Task* task = find(run.task);
  if (task != nullptr && run.epoch < task->epoch) {
    ++counters_.stale;
    return Outcome::dropped;
  }
  const bool same_inputs = task != nullptr && task->announced && task->wanted == run.inputs;
  if (same_inputs) {
    // What is here, computed or not, is what the new epoch wants too.
    ++counters_.repeated;
    task->epoch = run.epoch;
    task->digests_only = run.announce;
    return Outcome::known;
  }
  const bool fits = task != nullptr && !task->announced && task->epoch == run.epoch;
  if (!fits) task = open(run.task, run.epoch, now);
  return task == nullptr ? Outcome::dropped : announce(*task, run, now);
}

Tasks::Outcome Tasks::announce(Task& task, const protocol::Run& run, Milliseconds now) {
  task.announced = true;
  task.digests_only = run.announce;
  task.wanted = run.inputs;
  task.progress = now;
  counters_.mismatched += std::erase_if(task.inputs, [&](const auto& input) {
    const TensorRef* ref = find_ref(task.wanted, input.first);
    return ref == nullptr || !is(input.second, *ref);
  });
  return check_complete(task);
}

Tasks::Outcome Tasks::check_complete(Task& task) {
  if (!task.announced || task.inputs.size() < task.wanted.size()) return Outcome::waiting;
  task.state = TaskState::ready;
  return Outcome::ready;
}

bool Tasks::wants(const Task& task, const protocol::Chunk& chunk) const {
  if (task.state != TaskState::receiving) return false;
  const bool known = task.inputs.contains(chunk.tensor);
  // The latest sending counts: what was relayed may have turned out not to be the result.
  if (!task.announced) return known || task.inputs.size() < kMaxInputs;
  if (known) return false;
  const TensorRef* ref = find_ref(task.wanted, chunk.tensor);
  return ref != nullptr && ref->bytes == chunk.total;
}

// A task may need more than all tasks together may hold: it gets it when it is the only one.
bool Tasks::has_room_for(const protocol::Chunk& chunk) const {
  const std::size_t held = held_bytes() + reserved_;
  const std::size_t limit = held_by_others(chunk.task) == 0 ? limits_.most() : limits_.bytes;
  return held <= limit && chunk.total <= limit - held;
}

std::size_t Tasks::held_by_others(const protocol::TaskKey& key) const {
  std::size_t bytes = lent_;
  for (const auto& [other, task] : tasks_) bytes += other == key ? 0 : task.held_bytes();
  for (const auto& [stream, arriving] : arriving_) {
    bytes += arriving.task == key ? 0 : arriving.bytes;
  }
  return bytes;
}

void Tasks::drop_older(const protocol::Chunk& chunk) {
  std::erase_if(arriving_, [&](const auto& entry) {
    const auto& [stream, older] = entry;
    if (stream == chunk.stream || older.task != chunk.task || older.tensor != chunk.tensor) {
      return false;
    }
    streams_.drop(kHub, stream);
    return true;
  });
}

Tasks::Outcome Tasks::on_chunk(const protocol::Chunk& chunk, Milliseconds now) {
  Task* task = find(chunk.task);
  if (task != nullptr && chunk.epoch < task->epoch) {
    ++counters_.stale;
    return Outcome::dropped;
  }
  const bool receiving = task == nullptr || task->state == TaskState::receiving;
  const bool newer = task == nullptr || chunk.epoch > task->epoch;
  // Beyond receiving, the coming Run tells whether this is news.
  if (!receiving || (!newer && !wants(*task, chunk))) {
    ++counters_.repeated;
    return Outcome::dropped;
  }
  if (chunk.offset == 0) drop_older(chunk);
  if (chunk.offset == 0 && !has_room_for(chunk)) {
    ++counters_.refused;
    return Outcome::dropped;
  }
  auto arrival = streams_.accept(kHub, chunk, now);
  if (!arrival || arrival->has_value()) arriving_.erase(chunk.stream);
  if (!arrival) {
    ++counters_.mismatched;
    return Outcome::dropped;
  }
  if (chunk.offset == 0 && !arrival->has_value()) {
    arriving_[chunk.stream] = {chunk.task, chunk.tensor, chunk.total};
  }
  if (newer) task = open(chunk.task, chunk.epoch, now);
  if (task == nullptr) return Outcome::dropped;
  task->progress = now;
  if (!arrival->has_value()) return Outcome::waiting;
  return arrived(std::move(**arrival));
}

Tasks::Outcome Tasks::arrived(protocol::Arrival arrival) {
  Task* task = find(arrival.task);
  Input input{std::move(arrival.data), arrival.digest};
  if (task->announced) {
    const TensorRef* ref = find_ref(task->wanted, arrival.tensor);
    if (ref == nullptr || !is(input, *ref)) {
      ++counters_.mismatched;
      return Outcome::dropped;
    }
  }
  task->inputs.insert_or_assign(std::move(arrival.tensor), std::move(input));
  return check_complete(*task);
}

std::vector<TaskKey> Tasks::expire(Milliseconds now,
                                   const std::function<bool(const TaskKey&)>& is_assigned) {
  for (const auto& silent : streams_.expire(now, limits_.stall)) arriving_.erase(silent.stream);
  std::vector<TaskKey> expired;
  for (const auto& [key, task] : tasks_) {
    if (now - task.progress < limits_.stall) continue;
    const bool waits_for_hub =
        task.state == TaskState::receiving || (task.state == TaskState::ready && !is_assigned(key));
    if (waits_for_hub) expired.push_back(key);
  }
  for (const TaskKey& key : expired) tasks_.erase(key);
  counters_.expired += expired.size();
  return expired;
}

}  // namespace hyps::worker
