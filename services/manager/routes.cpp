#include "services/manager/routes.hpp"

#include <algorithm>

namespace hyps::manager {

using partition::Partition;
using partition::Plan;
using planning::Device;
using protocol::Route;

namespace {

constexpr std::size_t kReasonsShown = 3;

using WorkerOf = std::map<PartitionName, WorkerId>;

WorkerOf on_devices(const std::vector<Route>& routes, const std::vector<Device>& devices) {
  WorkerOf worker_of;
  for (const Route& route : routes) {
    const bool online = std::any_of(devices.begin(), devices.end(), [&](const Device& device) {
      return device.id == route.worker;
    });
    if (online) worker_of[route.partition] = route.worker;
  }
  return worker_of;
}

std::map<WorkerId, std::int64_t> free_bytes(const Plan& plan, const std::vector<Device>& devices,
                                            const WorkerOf& worker_of, const Held& held) {
  std::map<WorkerId, std::int64_t> free;
  for (const Device& device : devices) {
    const auto used = held.find(device.id);
    free[device.id] = device.memory_bytes - (used == held.end() ? 0 : used->second);
  }
  for (const auto& [name, worker] : worker_of) {
    if (const Partition* part = plan.find(name)) free[worker] -= part->memory_bytes();
  }
  return free;
}

const Device* roomiest_other(const Partition& part, const WorkerId& here,
                             const std::vector<Device>& devices,
                             const std::map<WorkerId, std::int64_t>& free) {
  const Device* best = nullptr;
  for (const Device& device : devices) {
    const bool able = device.id != here && (device.safe_zone || !part.safe_zone) &&
                      free.at(device.id) >= part.memory_bytes();
    if (able && (best == nullptr || free.at(device.id) > free.at(best->id))) best = &device;
  }
  return best;
}

// A worker with more than its memory holds would load again and again; where another one has room,
// the partition may move.
void relieve(const Plan& plan, const std::vector<Device>& devices, const Held& held,
             WorkerOf& worker_of) {
  auto free = free_bytes(plan, devices, worker_of, held);
  for (const Partition& part : plan.partitions) {
    const auto here = worker_of.find(part.name);
    if (here == worker_of.end() || free.at(here->second) >= 0) continue;
    const Device* other = roomiest_other(part, here->second, devices, free);
    if (other == nullptr) continue;
    free[here->second] += part.memory_bytes();
    free[other->id] -= part.memory_bytes();
    worker_of.erase(here);
  }
}

std::string problem_of(const std::vector<planning::Unplaced>& unplaced) {
  std::string text;
  for (std::size_t i = 0; i < std::min(unplaced.size(), kReasonsShown); ++i) {
    text += (i == 0 ? "" : "; ") + unplaced[i].partition.text + ": " + unplaced[i].reason;
  }
  if (unplaced.size() > kReasonsShown) {
    text += "; and " + std::to_string(unplaced.size() - kReasonsShown) + " more partitions";
  }
  return text;
}

}  // namespace

Routing route(const Plan& plan, const std::vector<Route>& old, const std::vector<Device>& devices,
              const Held& held, Epoch new_epoch) {
  WorkerOf previous = on_devices(old, devices);
  relieve(plan, devices, held, previous);
  const planning::Placement placement = planning::place(plan, devices, previous, held);
  Routing routing;
  for (const Partition& part : plan.partitions) {
    const auto before = std::find_if(
        old.begin(), old.end(), [&](const Route& route) { return route.partition == part.name; });
    const auto placed = placement.worker_of.find(part.name);
    if (placed == placement.worker_of.end()) {
      if (before != old.end()) routing.routes.push_back(*before);
    } else if (before != old.end() && before->worker == placed->second) {
      routing.routes.push_back(*before);
    } else {
      routing.routes.push_back({part.name, placed->second, new_epoch});
    }
  }
  routing.problem = problem_of(placement.unplaced);
  return routing;
}

void add_held(const Plan& plan, const std::vector<Route>& routes, Held& held) {
  for (const Route& route : routes) {
    if (const Partition* part = plan.find(route.partition)) {
      held[route.worker] += part->memory_bytes();
    }
  }
}

}  // namespace hyps::manager
