#include <algorithm>
#include <limits>

#include "common/planning/planning.hpp"
#include "common/planning/speed.hpp"

namespace hyps::planning {

double predict_latency_s(const partition::Plan& plan, const Placement& placement,
                         const std::vector<Device>& devices, const Link& link) {
  const auto speeds = speeds_of(devices);
  std::map<std::string, double> made_at;
  std::map<WorkerId, double> free_at;
  double last = 0;
  // Partitions stand in topological order, slices of one layer beside each other, so taking them as
  // they come is a list schedule.
  for (const auto& part : plan.partitions) {
    const auto worker = placement.worker_of.find(part.name);
    const auto speed =
        worker == placement.worker_of.end() ? speeds.end() : speeds.find(worker->second);
    if (speed == speeds.end()) return std::numeric_limits<double>::infinity();
    double inputs_made = 0;
    double bytes = 0;
    for (const auto& input : part.inputs) {
      const auto made = made_at.find(input.name);
      if (made == made_at.end()) continue;  // what the user sent
      inputs_made = std::max(inputs_made, made->second + link.latency_s);
      bytes += static_cast<double>(input.bytes());
    }
    const double arrived = inputs_made + bytes / link.bytes_per_second;
    double& device_free = free_at[worker->second];
    const double end =
        std::max(arrived, device_free) + static_cast<double>(part.cost.flops) / speed->second;
    device_free = end;
    for (const auto& output : part.outputs) made_at[output.name] = end;
    last = std::max(last, end);
  }
  return last;
}

}  // namespace hyps::planning
