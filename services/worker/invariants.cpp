// What must hold after each step; simulations and tests ask.
#include "services/worker/core.hpp"

namespace hyps::worker {

namespace {

std::string broken_of_task(const Task& task) {
  const bool complete = task.announced && task.inputs.size() == task.wanted.size();
  if (task.state == TaskState::ready && !complete) return "a task is ready without its inputs";
  if (task.state == TaskState::receiving && complete) return "a complete task is not ready";
  if (task.state == TaskState::sending && task.outputs.empty()) return "a task sends nothing";
  if (task.state != TaskState::sending && !task.streams.empty()) {
    return "results are sent of a task that is not computed";
  }
  return {};
}

}  // namespace

std::string Core::broken_invariant() const {
  std::size_t computing = 0;
  for (const auto& [key, task] : tasks_.all()) {
    if (std::string broken = broken_of_task(task); !broken.empty()) {
      return key.job.text + " " + key.partition.text + ": " + broken;
    }
    computing += task.state == TaskState::computing ? 1 : 0;
  }
  if (tasks_.all().size() > config_.limits.tasks) return "there are more tasks than allowed";
  const std::size_t loading = partitions_.loading();
  if (loading > 1 || computing > config_.info.max_batch || (loading > 0 && computing > 0)) {
    return "more than one load or batch goes on";
  }
  if (loading + computing > outstanding_) return "the compute thread works, and counts as free";
  if (partitions_.used_bytes() > config_.info.memory_bytes) {
    return "more is loaded than the memory allows";
  }
  return {};
}

}  // namespace hyps::worker
