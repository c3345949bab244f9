#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/units.hpp"
#include "common/planning/planning.hpp"
#include "common/planning/stages.hpp"

namespace hyps::planning {

namespace {

using partition::Plan;
using partition::Request;

constexpr int kMostVerticals = 16;
constexpr int kMostSlicesForSmallDevices = 16;
constexpr int kMostStagesOfDevice = 3;
constexpr int kMostVerticalsInStream = 64;
constexpr int kFinerTries = 3;  // twice, four times, eight times as many V-partitions

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

std::int64_t largest_safe_budget(const std::vector<Device>& devices) {
  std::int64_t largest = -1;
  for (const auto& device : devices) {
    if (device.safe_zone) largest = std::max(largest, device.memory_bytes);
  }
  return largest;
}

// The partition that no safe device can hold, if any.
const partition::Partition* too_large_for_safe_zone(const Plan& plan, std::int64_t safe_budget) {
  for (const auto& candidate : plan.partitions) {
    if (candidate.safe_zone && candidate.memory_bytes() > safe_budget) return &candidate;
  }
  return nullptr;
}

// What all plans of a call have in common.
struct Order {
  const cnn::Graph& graph;
  const std::string& model_name;
  const std::vector<Device>& devices;
  std::int64_t safe_budget = 0;
  partition::Objective objective = partition::Objective::latency;
};

Result<Plan> make(const Order& order, std::int64_t budget, int min_partitions,
                  std::vector<std::string> cut_after = {}) {
  Request request;
  request.model_name = order.model_name;
  request.threshold = {partition::Threshold::Unit::bytes, budget};
  request.min_partitions = min_partitions;
  request.cut_after = std::move(cut_after);
  HYPS_TRY(Plan plan, partition::make_plan(order.graph, request));
  plan.objective = order.objective;
  return plan;
}

Result<Plan> plan_within(const Order& order, std::int64_t budget, int min_partitions) {
  Error problem;
  for (int attempt = 0; attempt <= kFinerTries; ++attempt) {
    HYPS_TRY(Plan plan, make(order, budget, min_partitions << attempt));
    const auto* too_large = too_large_for_safe_zone(plan, order.safe_budget);
    if (too_large == nullptr) return plan;
    problem = invalid(fmt::format(
        "partition '{}' needs {} in the safe zone and the largest worker there has {}: give a "
        "safe-zone worker more memory",
        too_large->name.text, format_bytes(too_large->memory_bytes()),
        format_bytes(order.safe_budget)));
  }
  return problem;
}

// One V-partition a device, and several, which may be dealt out more evenly.
Result<Plan> plan_for_throughput(const Order& order, std::int64_t budget) {
  const Link link;
  std::vector<Plan> plans;
  if (const auto cuts = balanced_cuts(order.graph, order.devices, budget, link)) {
    auto plan = make(order, budget, 1, *cuts);
    const bool fits = plan.ok() && too_large_for_safe_zone(*plan, order.safe_budget) == nullptr;
    if (fits) plans.push_back(std::move(plan).value());
  }
  Error problem;
  const int devices = static_cast<int>(order.devices.size());
  for (int each = 0; each <= kMostStagesOfDevice; ++each) {
    auto plan = plan_within(order, budget, std::clamp(each * devices, 1, kMostVerticalsInStream));
    if (plan.ok()) {
      plans.push_back(std::move(plan).value());
    } else {
      problem = plan.error();
    }
  }
  if (plans.empty()) return problem;
  return best_for_throughput(std::move(plans), order.devices, link);
}

int most_slices(const Plan& plan) {
  int most = 1;
  for (const auto& part : plan.partitions) most = std::max(most, part.slice_count);
  return most;
}

}  // namespace

Result<Plan> plan_for(const cnn::Graph& graph, const std::string& model_name,
                      const std::vector<Device>& devices, partition::Objective objective) {
  if (devices.empty()) return invalid("there is no worker to plan for: start one");
  const std::int64_t safe_budget = largest_safe_budget(devices);
  if (safe_budget < 0) {
    return invalid(
        "there is no worker in the safe zone, and only such a one may see image and answer: start "
        "one with zone: safe");
  }
  std::set<std::int64_t> budgets;
  for (const auto& device : devices) budgets.insert(std::max<std::int64_t>(device.memory_bytes, 1));
  const Order order{graph, model_name, devices, safe_budget, objective};
  const int verticals = std::min<int>(static_cast<int>(devices.size()), kMostVerticals);
  std::optional<Plan> shredded;
  Error problem;
  for (const std::int64_t budget : budgets) {
    auto plan = objective == partition::Objective::throughput
                    ? plan_for_throughput(order, budget)
                    : plan_within(order, budget, verticals);
    if (!plan.ok()) {
      problem = plan.error();
    } else if (most_slices(*plan) <= kMostSlicesForSmallDevices) {
      return plan;
    } else if (!shredded) {
      shredded = std::move(plan).value();
    }
  }
  if (shredded) return std::move(*shredded);
  return problem;
}

}  // namespace hyps::planning
