#include <algorithm>
#include <limits>

#include "common/planning/planning.hpp"
#include "common/planning/speed.hpp"

namespace hyps::planning {

double predict_interval_s(const partition::Plan& plan, const Placement& placement,
                          const std::vector<Device>& devices, const Link& link) {
  const auto speeds = speeds_of(devices);
  std::map<WorkerId, double> busy;
  double longest_s = 0;
  for (const auto& part : plan.partitions) {
    const auto worker = placement.worker_of.find(part.name);
    const auto speed =
        worker == placement.worker_of.end() ? speeds.end() : speeds.find(worker->second);
    if (speed == speeds.end()) return std::numeric_limits<double>::infinity();
    double& device_s = busy[worker->second];
    device_s += busy_s(part, speed->second, link);
    longest_s = std::max(longest_s, device_s);
  }
  return longest_s;
}

}  // namespace hyps::planning
