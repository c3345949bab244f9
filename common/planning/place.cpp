#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "common/base/units.hpp"
#include "common/planning/planning.hpp"
#include "common/planning/speed.hpp"

namespace hyps::planning {

namespace {

using partition::Partition;

constexpr int kMostImprovements = 64;
constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

class Placer {
 public:
  Placer(const partition::Plan& plan, const std::vector<Device>& devices,
         const std::map<WorkerId, std::int64_t>& held)
      : parts_(plan.partitions),
        for_throughput_(plan.objective == partition::Objective::throughput),
        devices_(devices),
        device_of_(parts_.size(), kNowhere) {
    // Whatever order they were given in, the answer is the same.
    std::sort(devices_.begin(), devices_.end(),
              [](const Device& a, const Device& b) { return a.id < b.id; });
    const auto speeds = speeds_of(devices_);
    for (const auto& device : devices_) {
      const auto found = held.find(device.id);
      used_.push_back(found == held.end() ? 0 : found->second);
      work_s_.push_back(0);
      speed_.push_back(speeds.at(device.id));
    }
    movable_.assign(parts_.size(), true);
  }

  void keep(const std::map<PartitionName, WorkerId>& previous) {
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const auto before = previous.find(parts_[p].name);
      if (before == previous.end()) continue;
      for (std::size_t d = 0; d < devices_.size(); ++d) {
        if (devices_[d].id != before->second || !may_hold(d, p)) continue;
        put(p, d);
        movable_[p] = false;
      }
    }
  }

  // Which comes first among those of the safe zone, and among the others.
  enum class Order { by_memory, by_work };
  void place_rest(Order first) {
    std::vector<std::size_t> order;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (device_of_[p] == kNowhere) order.push_back(p);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const auto key = [&](std::size_t p) {
        const double size = first == Order::by_work
                                ? busy_s(parts_[p], speed_.empty() ? 1 : speed_[0], Link{})
                                : static_cast<double>(parts_[p].memory_bytes());
        return std::tuple(!parts_[p].safe_zone, -size);
      };
      return key(a) < key(b);
    });
    for (const std::size_t p : order) {
      if (const auto device = best_device(p)) put(p, *device);
    }
  }

  void improve() {
    for (int i = 0; i < kMostImprovements; ++i) {
      if (devices_.empty() || !improve_once()) return;
    }
  }

  // What makes it worse than another placement: devices that take turns, then the busiest's work.
  [[nodiscard]] std::pair<std::size_t, double> badness() const {
    std::size_t turns = 0;
    double busiest_s = 0;
    for (std::size_t d = 0; d < devices_.size(); ++d) {
      turns += room(d) < 0 ? 1 : 0;
      busiest_s = std::max(busiest_s, work_s_[d]);
    }
    return {turns, busiest_s};
  }

  [[nodiscard]] Placement result() const {
    Placement placement;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (device_of_[p] == kNowhere) {
        placement.unplaced.push_back({parts_[p].name, reason(parts_[p])});
      } else {
        placement.worker_of[parts_[p].name] = devices_[device_of_[p]].id;
      }
    }
    return placement;
  }

 private:
  [[nodiscard]] bool may_hold(std::size_t d, std::size_t p) const {
    return !devices_[d].quarantined && parts_[p].memory_bytes() <= devices_[d].memory_bytes &&
           (devices_[d].safe_zone || !parts_[p].safe_zone);
  }
  [[nodiscard]] std::int64_t room(std::size_t d) const {
    return devices_[d].memory_bytes - used_[d];
  }
  [[nodiscard]] double seconds(std::size_t d, std::size_t p) const {
    if (for_throughput_) return busy_s(parts_[p], speed_[d], Link{});
    return static_cast<double>(parts_[p].cost.flops) / speed_[d];
  }
  // Slices of the layer of p on d, p itself not counted.
  [[nodiscard]] int siblings(std::size_t d, std::size_t p) const {
    if (!partition::is_sibling(parts_[p].kind)) return 0;
    int count = 0;
    for (std::size_t q = first_sibling(p); q < parts_.size(); ++q) {
      if (parts_[q].kind != parts_[p].kind || !(parts_[q].nodes == parts_[p].nodes)) {
        break;
      }
      if (q != p && device_of_[q] == d) ++count;
    }
    return count;
  }
  [[nodiscard]] std::size_t first_sibling(std::size_t p) const {
    const auto index = static_cast<std::size_t>(std::max(0, parts_[p].slice_index));
    return p >= index ? p - index : 0;
  }

  void put(std::size_t p, std::size_t d) {
    device_of_[p] = d;
    used_[d] += parts_[p].memory_bytes();
    work_s_[d] += seconds(d, p);
  }
  void take(std::size_t p) {
    const std::size_t d = device_of_[p];
    used_[d] -= parts_[p].memory_bytes();
    work_s_[d] -= seconds(d, p);
    device_of_[p] = kNowhere;
  }

  [[nodiscard]] std::optional<std::size_t> best_device(std::size_t p) const {
    using Rank = std::tuple<bool, int, double, double>;
    std::optional<std::size_t> best;
    Rank best_rank;
    for (std::size_t d = 0; d < devices_.size(); ++d) {
      if (!may_hold(d, p)) continue;
      const std::int64_t left = room(d) - parts_[p].memory_bytes();
      const double lack = -static_cast<double>(left);
      const double work = work_s_[d] + seconds(d, p);
      const bool turns = left < 0;
      const Rank rank{turns, siblings(d, p), turns ? lack : work, turns ? work : lack};
      if (best && rank >= best_rank) continue;
      best = d;
      best_rank = rank;
    }
    return best;
  }

  // Whether p may go to d without taking turns there or joining a sibling.
  [[nodiscard]] bool is_free_for(std::size_t d, std::size_t p) const {
    return may_hold(d, p) && room(d) >= parts_[p].memory_bytes() &&
           (siblings(d, p) == 0 || siblings(d, p) < siblings(device_of_[p], p));
  }

  // Moves one partition away from the busiest device, or swaps it for a smaller one, where that
  // lowers the larger work of the two devices most.
  bool improve_once() {
    const auto busiest = static_cast<std::size_t>(std::max_element(work_s_.begin(), work_s_.end()) -
                                                  work_s_.begin());
    constexpr double kWorthwhile = 0.999;
    double best = work_s_[busiest] * kWorthwhile;
    std::size_t moved = kNowhere;
    std::size_t target = kNowhere;
    std::size_t swapped = kNowhere;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (device_of_[p] != busiest || !movable_[p] || parts_[p].cost.flops == 0) continue;
      for (std::size_t d = 0; d < devices_.size(); ++d) {
        if (d == busiest) continue;
        const double work =
            std::max(work_s_[busiest] - seconds(busiest, p), work_s_[d] + seconds(d, p));
        if (work < best && is_free_for(d, p)) {
          best = work;
          moved = p;
          target = d;
          swapped = kNowhere;
        }
      }
      for (std::size_t q = 0; q < parts_.size(); ++q) {
        const double work = work_after_swap(p, q);
        if (work >= best || !may_swap(p, q)) continue;
        best = work;
        moved = p;
        target = device_of_[q];
        swapped = q;
      }
    }
    if (moved == kNowhere) return false;
    take(moved);
    if (swapped != kNowhere) {
      take(swapped);
      put(swapped, busiest);
    }
    put(moved, target);
    return true;
  }

  [[nodiscard]] double work_after_swap(std::size_t p, std::size_t q) const {
    const std::size_t a = device_of_[p];
    const std::size_t b = device_of_[q];
    if (b == kNowhere || a == b) return work_s_[a];
    return std::max(work_s_[a] - seconds(a, p) + seconds(a, q),
                    work_s_[b] - seconds(b, q) + seconds(b, p));
  }
  [[nodiscard]] bool may_swap(std::size_t p, std::size_t q) const {
    const std::size_t a = device_of_[p];
    const std::size_t b = device_of_[q];
    if (b == kNowhere || a == b || !movable_[q] || !may_hold(b, p) || !may_hold(a, q)) return false;
    const std::int64_t more = parts_[q].memory_bytes() - parts_[p].memory_bytes();
    return room(a) >= more && room(b) >= -more && siblings(b, p) == 0 && siblings(a, q) == 0;
  }

  [[nodiscard]] std::string reason(const Partition& part) const {
    const char* where = part.safe_zone ? " in the safe zone" : "";
    const std::string need = fmt::format("needs {}{}", format_bytes(part.memory_bytes()), where);
    std::int64_t largest = -1;
    for (const auto& device : devices_) {
      if (device.quarantined) continue;
      if (device.safe_zone || !part.safe_zone) largest = std::max(largest, device.memory_bytes);
    }
    if (largest < 0) return need + "; there is no worker" + where;
    return fmt::format("{}; the largest worker there has {}", need, format_bytes(largest));
  }

  const std::vector<Partition>& parts_;
  const bool for_throughput_;
  std::vector<Device> devices_;
  std::vector<std::size_t> device_of_;
  std::vector<bool> movable_;
  std::vector<std::int64_t> used_;
  std::vector<double> work_s_;
  std::vector<double> speed_;
};

}  // namespace

Placement place(const partition::Plan& plan, const std::vector<Device>& devices,
                const std::map<PartitionName, WorkerId>& previous,
                const std::map<WorkerId, std::int64_t>& held) {
  const auto placed = [&](Placer::Order first) {
    Placer placer(plan, devices, held);
    placer.keep(previous);
    placer.place_rest(first);
    placer.improve();
    return placer;
  };
  Placer by_memory = placed(Placer::Order::by_memory);
  if (plan.objective == partition::Objective::latency) return by_memory.result();
  Placer by_work = placed(Placer::Order::by_work);
  return (by_work.badness() < by_memory.badness() ? by_work : by_memory).result();
}

}  // namespace hyps::planning
