#include "common/engine/arena.hpp"

#include <algorithm>
#include <numeric>

namespace hyps::engine {
namespace {

std::size_t round_up(std::size_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

ArenaPlan plan_arena(const std::vector<Lifetime>& lifetimes) {
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });

  ArenaPlan plan{std::vector<std::size_t>(lifetimes.size()), 0};
  std::vector<std::size_t> placed;  // sorted by offset
  for (const auto i : order) {
    std::size_t offset = 0;
    for (const auto other : placed) {
      if (!overlap(lifetimes[i], lifetimes[other])) continue;
      if (offset + round_up(lifetimes[i].bytes) <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + round_up(lifetimes[other].bytes));
    }
    plan.offsets[i] = offset;
    plan.bytes = std::max(plan.bytes, offset + round_up(lifetimes[i].bytes));
    const auto after = [&](std::size_t at, std::size_t other) { return at < plan.offsets[other]; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset, after), i);
  }
  return plan;
}

}  // namespace hyps::engine
