#include "services/hub/sharing.hpp"

#include <algorithm>

#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"

namespace hyps::hub {

namespace {

bool is_large(const State& s, const Job& job, const std::string& tensor) {
  const auto stored = job.stored.find(tensor);
  return stored != job.stored.end() &&
         stored->second.bytes > static_cast<std::uint64_t>(s.config.share_inputs_above);
}

bool takes(const partition::Partition& partition, const std::string& tensor) {
  return std::any_of(partition.inputs.begin(), partition.inputs.end(),
                     [&](const auto& input) { return input.name == tensor; });
}

// It has been sent its inputs, and has not said that it needs them no more.
bool is_with(const Task& task, const WorkerId& worker) {
  if (task.state != Task::State::dispatched) return false;
  const Dispatch* given = task.with(worker);
  return given != nullptr && !given->done;
}

}  // namespace

std::set<std::string> shared_inputs(const State& s, const Job& job, const PlanState& plan,
                                    std::size_t index, const WorkerId& worker) {
  std::set<std::string> shared;
  for (const auto& input : plan.plan.partitions[index].inputs) {
    if (!is_large(s, job, input.name)) continue;
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      if (i == index || !is_with(job.tasks[i], worker)) continue;
      if (takes(plan.plan.partitions[i], input.name)) {
        shared.insert(input.name);
        break;
      }
    }
  }
  return shared;
}

void on_lacking(State& s, const WorkerId& worker, const protocol::Lacking& lacking) {
  const auto at = find_task(s, lacking.task);
  if (!at) return;
  Task& task = at->job->tasks[at->index];
  Dispatch* given = task.with(worker);
  const bool is_its = task.state == Task::State::dispatched && given != nullptr &&
                      given->epoch == lacking.epoch && given->shares;
  if (is_its) send_task(s, *at, worker);
}

}  // namespace hyps::hub
