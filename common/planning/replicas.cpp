#include <fmt/format.h>

#include <algorithm>

#include "common/base/units.hpp"
#include "common/planning/planning.hpp"

namespace hyps::planning {

namespace {

using partition::Partition;

class Replicator {
 public:
  Replicator(const partition::Plan& plan, const std::vector<Device>& devices,
             const Placement& placement, const std::map<WorkerId, std::int64_t>& held)
      : devices_(devices), placement_(placement) {
    for (const Device& device : devices_) {
      const auto used = held.find(device.id);
      free_[device.id] = device.memory_bytes - (used == held.end() ? 0 : used->second);
    }
    for (const Partition& part : plan.partitions) {
      const auto placed = placement.worker_of.find(part.name);
      if (placed != placement.worker_of.end()) free_[placed->second] -= part.memory_bytes();
    }
  }

  void keep(const Partition& part, const std::vector<WorkerId>& previous) {
    for (const WorkerId& worker : previous) {
      const Device* device = find(worker);
      if (device == nullptr || !may_hold(*device, part) || has(part, worker)) continue;
      const bool wanted = device->quarantined || counting(part) < part.replication.replicas;
      if (wanted) put(part, *device);
    }
  }

  void add_missing(const Partition& part) {
    while (counting(part) < part.replication.replicas) {
      const Device* device = roomiest(part);
      if (device == nullptr) return tell_missing(part);
      put(part, *device);
    }
  }

  [[nodiscard]] Replicas result() && { return std::move(replicas_); }

 private:
  [[nodiscard]] const Device* find(const WorkerId& worker) const {
    const auto at = std::find_if(devices_.begin(), devices_.end(),
                                 [&](const Device& device) { return device.id == worker; });
    return at == devices_.end() ? nullptr : &*at;
  }
  [[nodiscard]] static bool may_hold(const Device& device, const Partition& part) {
    return part.memory_bytes() <= device.memory_bytes && (device.safe_zone || !part.safe_zone);
  }
  [[nodiscard]] bool has(const Partition& part, const WorkerId& worker) const {
    const auto first = placement_.worker_of.find(part.name);
    if (first != placement_.worker_of.end() && first->second == worker) return true;
    const auto others = replicas_.workers_of.find(part.name);
    return others != replicas_.workers_of.end() &&
           std::find(others->second.begin(), others->second.end(), worker) != others->second.end();
  }
  // Copies whose votes count.
  [[nodiscard]] int counting(const Partition& part) const {
    int count = placement_.worker_of.contains(part.name) ? 1 : 0;
    const auto others = replicas_.workers_of.find(part.name);
    if (others == replicas_.workers_of.end()) return count;
    for (const WorkerId& worker : others->second) count += find(worker)->quarantined ? 0 : 1;
    return count;
  }
  [[nodiscard]] const Device* roomiest(const Partition& part) const {
    const Device* best = nullptr;
    for (const Device& device : devices_) {
      if (device.quarantined || !may_hold(device, part) || has(part, device.id)) continue;
      if (best == nullptr || free_.at(device.id) > free_.at(best->id)) best = &device;
    }
    return best;
  }
  void put(const Partition& part, const Device& device) {
    replicas_.workers_of[part.name].push_back(device.id);
    free_[device.id] -= part.memory_bytes();
  }
  void tell_missing(const Partition& part) {
    replicas_.unplaced.push_back(
        {part.name,
         fmt::format("has {} of {} replicas; another worker of {}{} is missing", counting(part),
                     part.replication.replicas, format_bytes(part.memory_bytes()),
                     part.safe_zone ? " in the safe zone" : "")});
  }

  const std::vector<Device>& devices_;
  const Placement& placement_;
  std::map<WorkerId, std::int64_t> free_;
  Replicas replicas_;
};

}  // namespace

Replicas place_replicas(const partition::Plan& plan, const std::vector<Device>& devices,
                        const Placement& placement,
                        const std::map<PartitionName, std::vector<WorkerId>>& previous,
                        const std::map<WorkerId, std::int64_t>& held) {
  Replicator replicator(plan, devices, placement, held);
  for (const Partition& part : plan.partitions) {
    const auto before = previous.find(part.name);
    const bool replicated = part.replication.replicas > 1;
    if (replicated && before != previous.end()) replicator.keep(part, before->second);
  }
  for (const Partition& part : plan.partitions) {
    if (part.replication.replicas > 1) replicator.add_missing(part);
  }
  return std::move(replicator).result();
}

}  // namespace hyps::planning
