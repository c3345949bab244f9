#include "services/hub/quick.hpp"

#include <algorithm>

#include "common/protocol/parcel.hpp"
#include "services/hub/sharing.hpp"

namespace hyps::hub {

namespace {

constexpr double kWeight = 0.25;        // of the latest time
constexpr double kMostQuickTasks = 64;  // a worker keeps 256 tasks at most
constexpr std::int64_t kMostRunning = 256;

bool is_small(std::int64_t bytes) {
  return bytes <= static_cast<std::int64_t>(protocol::kSmallTensorBytes);
}

}  // namespace

void learn_compute_time(PlanState& plan, std::size_t index, std::uint64_t compute_us) {
  const double ms = static_cast<double>(compute_us) / 1000.0;
  double& known = plan.compute_ms[index];
  known = known < 0 ? ms : known + kWeight * (ms - known);
}

std::size_t most_quick_tasks(const State& s, const Job& job, const PlanState& plan,
                             std::size_t index, const WorkerId& worker) {
  const auto& partition = plan.plan.partitions[index];
  const double ms = plan.compute_ms[index];
  if (ms < 0) return 0;
  const auto shared = shared_inputs(s, job, plan, index, worker);
  // What is not stored yet arrives in several chunks (relays.hpp).
  const auto is_small_input = [&](const auto& input) {
    if (shared.contains(input.name)) return true;
    const auto stored = job.stored.find(input.name);
    return stored != job.stored.end() && is_small(static_cast<std::int64_t>(stored->second.bytes));
  };
  const bool is_light =
      std::all_of(partition.inputs.begin(), partition.inputs.end(), is_small_input) &&
      std::all_of(partition.outputs.begin(), partition.outputs.end(),
                  [](const auto& output) { return is_small(output.bytes()); });
  if (!is_light) return 0;
  const double most = static_cast<double>(s.config.worker_ahead_ms) / std::max(ms, 0.001);
  const bool is_quick = most > static_cast<double>(s.config.worker_credits);
  return is_quick ? static_cast<std::size_t>(std::min(most, kMostQuickTasks)) : 0;
}

bool may_start(const State& s, const PlanState& plan, std::int64_t running, std::int64_t limit) {
  if (running < limit) return true;
  std::int64_t bytes = 0;  // that a job stores on its way, but for its input
  for (const auto& partition : plan.plan.partitions) {
    for (const auto& output : partition.outputs) bytes += output.bytes();
  }
  return running < kMostRunning && (running + 1) * bytes <= s.config.bytes_in_flight;
}

}  // namespace hyps::hub
