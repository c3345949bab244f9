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

// Not the same, but of the same job and plan: what they call by one name is one feature map.
bool are_siblings(const TaskKey& a, const TaskKey& b) {
  return a.job == b.job && a.plan == b.plan && a.partition != b.partition;
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

std::size_t Task::own_bytes() const {
  std::size_t bytes = held_bytes();
  if (state == TaskState::computing) return bytes;
  for (const auto& [name, input] : inputs) bytes -= shared.contains(name) ? input.data.size() : 0;
  return bytes;
}

std::size_t Tasks::held_bytes() const {
  std::size_t bytes = streams_.bytes() + lent_;
  for (const auto& [key, task] : tasks_) bytes += task.held_bytes();
  return bytes - shared_bytes();
}

// What several tasks share is there once, and counted by each of them.
std::size_t Tasks::shared_bytes() const {
  const bool any = std::any_of(tasks_.begin(), tasks_.end(),
                               [](const auto& entry) { return !entry.second.shared.empty(); });
  if (!any) return 0;
  std::size_t bytes = 0;
  std::set<const std::byte*> seen;
  for (const auto& [key, task] : tasks_) {
    for (const auto& [tensor, input] : task.inputs) {
      const auto data = input.data.bytes();
      if (!data.empty() && !seen.insert(data.data()).second) bytes += data.size();
    }
  }
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

void Tasks::erase(const TaskKey& key) {
  const auto found = tasks_.find(key);
  if (found == tasks_.end()) return;
  const auto& streams = found->second.streams;
  abandoned_.insert(abandoned_.end(), streams.begin(), streams.end());
  tasks_.erase(found);
}

Task* Tasks::open(const TaskKey& key, Epoch epoch, Milliseconds now) {
  if (tasks_.size() >= limits_.tasks && !tasks_.contains(key)) {
    ++counters_.refused;
    return nullptr;
  }
  erase(key);
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
    if (task->state != TaskState::receiving) return Outcome::known;
    task->shared.insert(run.shared.begin(), run.shared.end());
    take_shared(run.task, *task);
    return check_complete(*task) == Outcome::ready ? Outcome::ready : Outcome::known;
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
  task.shared = {run.shared.begin(), run.shared.end()};
  take_shared(run.task, task);
  return check_complete(task);
}

Tasks::Outcome Tasks::check_complete(Task& task) {
  if (!task.announced || task.inputs.size() < task.wanted.size()) return Outcome::waiting;
  task.state = TaskState::ready;
  return Outcome::ready;
}

void Tasks::take_shared(const TaskKey& key, Task& task) {
  for (const auto& [other, sibling] : tasks_) {
    if (!are_siblings(key, other)) continue;
    for (const auto& [tensor, input] : sibling.inputs) {
      const TensorRef* ref = find_ref(task.wanted, tensor);
      if (task.shared.contains(tensor) && ref != nullptr && is(input, *ref)) {
        task.inputs.try_emplace(tensor, input);
      }
    }
  }
}

void Tasks::give_shared(const TaskKey& key, const std::string& tensor, const Input& input) {
  for (auto& [other, sibling] : tasks_) {
    const bool waits = are_siblings(key, other) && sibling.state == TaskState::receiving &&
                       sibling.shared.contains(tensor);
    const TensorRef* ref = waits ? find_ref(sibling.wanted, tensor) : nullptr;
    if (ref == nullptr || !is(input, *ref)) continue;
    sibling.inputs.try_emplace(tensor, input);
    check_complete(sibling);
  }
}

bool Tasks::will_get(const TaskKey& key, const TensorRef& ref) const {
  const auto is_due = [&](const auto& entry) {
    const auto& [other, sibling] = entry;
    if (!are_siblings(key, other) || sibling.state != TaskState::receiving) return false;
    if (!sibling.announced || sibling.shared.contains(ref.tensor)) return false;
    const TensorRef* its = find_ref(sibling.wanted, ref.tensor);
    return its != nullptr && *its == ref;
  };
  const auto is_arriving = [&](const auto& entry) {
    const Arriving& arriving = entry.second;
    const bool is_for_it = arriving.task == key || are_siblings(key, arriving.task);
    return is_for_it && arriving.tensor == ref.tensor;
  };
  return std::any_of(tasks_.begin(), tasks_.end(), is_due) ||
         std::any_of(arriving_.begin(), arriving_.end(), is_arriving);
}

std::vector<TaskKey> Tasks::take_lacking() {
  std::vector<TaskKey> lacking;
  for (auto& [key, task] : tasks_) {
    if (task.state != TaskState::receiving || task.shared.empty()) continue;
    const bool lacks = std::any_of(task.wanted.begin(), task.wanted.end(),
                                   [&, &k = key, &t = task](const TensorRef& ref) {
                                     return t.shared.contains(ref.tensor) &&
                                            !t.inputs.contains(ref.tensor) && !will_get(k, ref);
                                   });
    if (!lacks) continue;
    task.shared.clear();
    lacking.push_back(key);
  }
  return lacking;
}

void Tasks::note_progress(const protocol::Chunk& chunk, Milliseconds now) {
  for (auto& [key, task] : tasks_) {
    const bool waits = task.state == TaskState::receiving && task.shared.contains(chunk.tensor);
    if (waits && are_siblings(key, chunk.task)) task.progress = now;
  }
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
  for (const auto& [other, task] : tasks_) bytes += other == key ? 0 : task.own_bytes();
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
  note_progress(chunk, now);
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
  give_shared(arrival.task, arrival.tensor, input);
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
  for (const TaskKey& key : expired) erase(key);
  counters_.expired += expired.size();
  return expired;
}

}  // namespace hyps::worker
