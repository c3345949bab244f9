#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/units.hpp"
#include "common/planning/planning.hpp"

namespace hyps::planning {

namespace {

using partition::Plan;
using partition::Request;

constexpr int kMostVerticals = 16;
constexpr int kMostSlicesForSmallDevices = 16;
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

Result<Plan> plan_within(const cnn::Graph& graph, const std::string& model_name,
                         std::int64_t budget, std::int64_t safe_budget, int min_partitions) {
  Error problem;
  for (int attempt = 0; attempt <= kFinerTries; ++attempt) {
    Request request;
    request.model_name = model_name;
    request.threshold = {partition::Threshold::Unit::bytes, budget};
    request.min_partitions = min_partitions << attempt;
    HYPS_TRY(Plan plan, partition::make_plan(graph, request));
    const auto* too_large = too_large_for_safe_zone(plan, safe_budget);
    if (too_large == nullptr) return plan;
    problem = invalid(fmt::format(
        "partition '{}' needs {} in the safe zone and the largest worker there has {}: give a "
        "safe-zone worker more memory",
        too_large->name.text, format_bytes(too_large->memory_bytes()), format_bytes(safe_budget)));
  }
  return problem;
}

int most_slices(const Plan& plan) {
  int most = 1;
  for (const auto& part : plan.partitions) most = std::max(most, part.slice_count);
  return most;
}

}  // namespace

Result<Plan> plan_for(const cnn::Graph& graph, const std::string& model_name,
                      const std::vector<Device>& devices) {
  if (devices.empty()) return invalid("there is no worker to plan for: start one");
  const std::int64_t safe_budget = largest_safe_budget(devices);
  if (safe_budget < 0) {
    return invalid(
        "there is no worker in the safe zone, and only such a one may see image and answer: start "
        "one with zone: safe");
  }
  std::set<std::int64_t> budgets;
  for (const auto& device : devices) budgets.insert(std::max<std::int64_t>(device.memory_bytes, 1));
  const int verticals = std::min<int>(static_cast<int>(devices.size()), kMostVerticals);
  std::optional<Plan> shredded;
  Error problem;
  for (const std::int64_t budget : budgets) {
    auto plan = plan_within(graph, model_name, budget, safe_budget, verticals);
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
