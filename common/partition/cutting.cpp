#include "common/partition/cutting.hpp"

#include <algorithm>
#include <limits>

#include "common/cnn/limits.hpp"
#include "common/partition/slicing.hpp"

namespace hyps::partition {

namespace {
constexpr std::int64_t kInfinite = std::numeric_limits<std::int64_t>::max();
}

Cutter::Cutter(const Flow& flow, std::vector<Unit> units, int joined, const Threshold& threshold,
               const std::vector<SplitPoint>& split_after)
    : flow_(flow), units_(std::move(units)), joined_(joined), split_after_(split_after) {
  merge_join_with_first(threshold);
  find_reach(threshold);
  flops_before_.push_back(0);
  for (const Unit& unit : units_) {
    const std::int64_t flops = sweep_over(flow_, unit.nodes).cost().flops;
    flops_before_.push_back(cnn::capped_sum(flops_before_.back(), flops));
  }
}

// A Concat alone is a partition that only costs a hop: it stays separate only where memory demands.
void Cutter::merge_join_with_first(const Threshold& threshold) {
  if (joined_ < 0 || units_.size() < 2) return;
  if (partition::fits(sweep_over(flow_, units_[1].nodes, joined_), threshold)) {
    units_.erase(units_.begin());
  }
}

void Cutter::find_reach(const Threshold& threshold) {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    Sweep sweep(flow_, static_cast<int>(units_[i].nodes.begin), i == 0 ? joined_ : -1);
    std::size_t end = i;
    while (end < units_.size()) {
      while (sweep.end() < units_[end].nodes.end) sweep.add_next();
      if (!partition::fits(sweep, threshold)) break;
      ++end;
    }
    reach_.push_back(end);
  }
}

std::optional<std::size_t> Cutter::unit_too_large() const {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (reach_[i] == i) return i;
  }
  return std::nullopt;
}

std::size_t Cutter::least_count() const {
  std::vector<std::size_t> least(units_.size() + 1, units_.size() + 1);
  least[0] = 0;
  for (std::size_t begin = 0; begin < units_.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= reach_[begin]; ++end) {
      least[end] = std::min(least[end], least[begin] + 1);
    }
  }
  return least.back();
}

std::int64_t Cutter::balanced_flops(std::size_t count) {
  if (balanced_.empty()) {
    balanced_.emplace_back(units_.size() + 1, kInfinite);
    balanced_[0][0] = 0;
  }
  while (balanced_.size() <= count) {
    const auto& before = balanced_.back();
    std::vector<std::int64_t> row(units_.size() + 1, kInfinite);
    for (std::size_t begin = 0; begin < units_.size(); ++begin) {
      if (before[begin] == kInfinite) continue;
      for (std::size_t end = begin + 1; end <= reach_[begin]; ++end) {
        row[end] = std::min(row[end], std::max(before[begin], flops(begin, end)));
      }
    }
    balanced_.push_back(std::move(row));
  }
  return balanced_[count].back();
}

Cutter::Score Cutter::score_of_cut_before(std::size_t unit) const {
  if (unit == 0) return {};
  const Unit& last = units_[unit - 1];
  if (last.ends_layer && last.layer < split_after_.size()) {
    const SplitPoint& point = split_after_[last.layer];
    const bool optional = point.kind == SplitPoint::Kind::optional;
    return {point.tensors.size() > 1 ? 1 : 0, optional ? 0 : 1, point.bytes};
  }
  Score score{0, 1, 0};
  const std::vector<int> ids = flow_.crossing(static_cast<int>(units_[unit].nodes.begin));
  for (const int id : ids) score.bytes += flow_.tracked(id).bytes;
  score.several = ids.size() > 1 ? 1 : 0;
  return score;
}

std::vector<std::size_t> Cutter::cut(std::size_t count, bool balance) {
  const std::size_t n = units_.size();
  const std::int64_t best = balance ? balanced_flops(count) : kInfinite;
  const std::int64_t limit = best > kInfinite / 2 ? kInfinite : best + best / 4;
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::vector<Score> score(n + 1);
  std::vector<std::vector<std::size_t>> from(count + 1, std::vector<std::size_t>(n + 1, kNone));
  from[0][0] = 0;
  for (std::size_t k = 1; k <= count; ++k) {
    std::vector<Score> row(n + 1);
    for (std::size_t begin = 0; begin < n; ++begin) {
      if (from[k - 1][begin] == kNone) continue;
      Score here = score_of_cut_before(begin);
      here = {here.several + score[begin].several, here.not_optional + score[begin].not_optional,
              here.bytes + score[begin].bytes};
      for (std::size_t end = begin + 1; end <= reach_[begin]; ++end) {
        if (flops(begin, end) > limit) break;
        if (from[k][end] != kNone && row[end] <= here) continue;
        row[end] = here;
        from[k][end] = begin;
      }
    }
    score = std::move(row);
  }
  std::vector<std::size_t> begins;
  for (std::size_t k = count, end = n; k > 0; --k) {
    end = from[k][end];
    begins.insert(begins.begin(), end);
  }
  return begins;
}

}  // namespace hyps::partition
