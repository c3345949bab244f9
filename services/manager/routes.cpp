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
using WorkersOf = std::map<PartitionName, std::vector<WorkerId>>;

const Device* find_device(const std::vector<Device>& devices, const WorkerId& id) {
  const auto at = std::find_if(devices.begin(), devices.end(),
                               [&](const Device& device) { return device.id == id; });
  return at == devices.end() ? nullptr : &*at;
}

// The first of each partition's workers that is there and trusted; `others`: the rest of those that
// are there.
WorkerOf on_devices(const std::vector<Route>& routes, const std::vector<Device>& devices,
                    WorkersOf& others) {
  WorkerOf worker_of;
  for (const Route& route : routes) {
    const Device* device = find_device(devices, route.worker);
    if (device == nullptr) continue;
    const bool first =
        !device->quarantined && worker_of.emplace(route.partition, route.worker).second;
    if (!first) others[route.partition].push_back(route.worker);
  }
  return worker_of;
}

// What other plans hold, and this one's further replicas.
Held held_besides(const Plan& plan, const Held& held, const WorkersOf& others) {
  Held all = held;
  for (const auto& [name, workers] : others) {
    const Partition* part = plan.find(name);
    if (part == nullptr) continue;
    for (const WorkerId& worker : workers) all[worker] += part->memory_bytes();
  }
  return all;
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
    const bool able = device.id != here && !device.quarantined &&
                      (device.safe_zone || !part.safe_zone) &&
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

namespace {

// The routes of one partition: to these workers, the first one first. Whoever had it keeps its
// epoch. Replicas that are missing keep their routes to workers that may come back.
void add_routes(const Partition& part, const std::vector<WorkerId>& workers,
                const std::vector<Route>& old, Epoch& new_epoch, std::vector<Route>& routes) {
  const auto route_to = [&](const WorkerId& worker) {
    return std::find_if(old.begin(), old.end(), [&](const Route& route) {
      return route.partition == part.name && route.worker == worker;
    });
  };
  for (const WorkerId& worker : workers) {
    const auto before = route_to(worker);
    routes.push_back(before != old.end() ? *before : Route{part.name, worker, new_epoch++});
  }
  auto missing = part.replication.replicas - static_cast<int>(workers.size());
  for (const Route& route : old) {
    const bool there = std::find(workers.begin(), workers.end(), route.worker) != workers.end();
    if (missing <= 0 || route.partition != part.name || there) continue;
    routes.push_back(route);
    --missing;
  }
}

}  // namespace

Routing route(const Plan& plan, const std::vector<Route>& old, const std::vector<Device>& devices,
              const Held& held, Epoch new_epoch) {
  WorkersOf others;
  WorkerOf previous = on_devices(old, devices, others);
  const Held besides = held_besides(plan, held, others);
  relieve(plan, devices, besides, previous);
  const planning::Placement placement = planning::place(plan, devices, previous, besides);
  planning::Replicas replicas = planning::place_replicas(plan, devices, placement, others, held);
  Routing routing;
  for (const Partition& part : plan.partitions) {
    std::vector<WorkerId> workers;
    const auto placed = placement.worker_of.find(part.name);
    if (placed != placement.worker_of.end()) workers.push_back(placed->second);
    const auto& more = replicas.workers_of[part.name];
    workers.insert(workers.end(), more.begin(), more.end());
    add_routes(part, workers, old, new_epoch, routing.routes);
  }
  std::vector<planning::Unplaced> unplaced = placement.unplaced;
  unplaced.insert(unplaced.end(), replicas.unplaced.begin(), replicas.unplaced.end());
  routing.problem = problem_of(unplaced);
  return routing;
}

namespace {

// nullptr: nobody with room.
const Device* helper_for(const Partition& part, const WorkerId& first,
                         const std::vector<Route>& old, const std::vector<Device>& devices,
                         const std::map<WorkerId, std::int64_t>& free) {
  for (const Route& route : old) {
    const Device* device = find_device(devices, route.worker);
    const bool helped = route.partition == part.name && route.worker != first;
    if (helped && device != nullptr && !device->quarantined) return device;
  }
  return roomiest_other(part, first, devices, free);
}

}  // namespace

void add_helpers(const Plan& plan, const std::set<PartitionName>& late,
                 const std::vector<Route>& old, const std::vector<Device>& devices,
                 const Held& held, Epoch new_epoch, Routing& routing) {
  Held all = held;
  add_held(plan, routing.routes, all);
  auto free = free_bytes(plan, devices, {}, all);
  for (const PartitionName& name : late) {
    const auto is_of = [&](const Route& route) { return route.partition == name; };
    const auto first = std::find_if(routing.routes.begin(), routing.routes.end(), is_of);
    const Partition* part = plan.find(name);
    if (part == nullptr || part->replication.replicas > 1 || first == routing.routes.end())
      continue;
    const Device* helper = helper_for(*part, first->worker, old, devices, free);
    if (helper == nullptr) continue;
    free[helper->id] -= part->memory_bytes();
    const auto before = std::find_if(old.begin(), old.end(), [&](const Route& route) {
      return is_of(route) && route.worker == helper->id;
    });
    routing.routes.insert(first + 1,
                          before != old.end() ? *before : Route{name, helper->id, new_epoch++});
  }
}

void add_held(const Plan& plan, const std::vector<Route>& routes, Held& held) {
  for (const Route& route : routes) {
    if (const Partition* part = plan.find(route.partition)) {
      held[route.worker] += part->memory_bytes();
    }
  }
}

}  // namespace hyps::manager
