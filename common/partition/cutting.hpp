// Cutter (private to this folder): where to cut one stretch of whole layers between two mandatory
// split points into V-partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/partition/flow.hpp"
#include "common/partition/layers.hpp"

namespace hyps::partition {

// What is never cut: a layer, or what is left of one. Empty nodes: only the join of slices.
struct Unit {
  cnn::Range nodes;
  std::size_t layer = 0;
  bool ends_layer = true;
};

class Cutter {
 public:
  // split_after[i]: the split point after layer i. joined: as in Sweep, for the first unit.
  Cutter(const Flow& flow, std::vector<Unit> units, int joined, const Threshold& threshold,
         const std::vector<SplitPoint>& split_after);

  [[nodiscard]] const std::vector<Unit>& units() const { return units_; }
  [[nodiscard]] std::size_t size() const { return units_.size(); }
  [[nodiscard]] int joined() const { return joined_; }
  // The first unit that is above the threshold on its own.
  [[nodiscard]] std::optional<std::size_t> unit_too_large() const;
  // REQUIRES of the rest: every unit fits.
  [[nodiscard]] std::size_t least_count() const;
  // The flops of the heaviest of `count` partitions if the work is balanced as well as it can be.
  std::int64_t balanced_flops(std::size_t count);
  // Where the `count` partitions begin (units; the first is 0). Those cuts are taken where one
  // tensor crosses, then at optional points, then where the fewest bytes cross; with `balance`
  // only among those whose heaviest partition is within a quarter of the best balance.
  std::vector<std::size_t> cut(std::size_t count, bool balance);
  [[nodiscard]] bool fits(std::size_t begin, std::size_t end) const { return end <= reach_[begin]; }
  [[nodiscard]] cnn::Range nodes_of(std::size_t begin, std::size_t end) const {
    return {units_[begin].nodes.begin, units_[end - 1].nodes.end};
  }

 private:
  struct Score {
    std::int64_t several = 0;
    std::int64_t not_optional = 0;
    std::int64_t bytes = 0;
    auto operator<=>(const Score&) const = default;
  };
  void find_reach(const Threshold& threshold);
  void merge_join_with_first(const Threshold& threshold);
  [[nodiscard]] Score score_of_cut_before(std::size_t unit) const;
  [[nodiscard]] std::int64_t flops(std::size_t begin, std::size_t end) const {
    return flops_before_[end] - flops_before_[begin];
  }

  const Flow& flow_;
  std::vector<Unit> units_;
  int joined_;
  const std::vector<SplitPoint>& split_after_;
  std::vector<std::size_t> reach_;          // [i]: the largest end for which units [i, end) fit
  std::vector<std::int64_t> flops_before_;  // prefix sums
  std::vector<std::vector<std::int64_t>> balanced_;  // [count][end], grown on demand
};

}  // namespace hyps::partition
