// Where the parts of a plan's picture stand (private to this folder).
#pragma once

#include <cstddef>
#include <vector>

#include "common/partition/plan.hpp"

namespace hyps::partition {

// Pixels.
inline constexpr int kPageWidth = 1240;
inline constexpr int kBoxWidth = 168;
inline constexpr int kBoxHeight = 104;
inline constexpr int kBoxGap = 10;      // between siblings
inline constexpr int kColumnGap = 112;  // room for an edge and its label
inline constexpr int kRowGap = 46;
inline constexpr int kMargin = 24;
inline constexpr std::size_t kShownSiblings = 6;

// One V-partition, ingest or report; or all H-partitions of one layer, stacked.
struct Stage {
  std::size_t first = 0;  // index of its first partition
  std::size_t count = 1;
  int row = 0;
  int x = 0;
  int top = 0;     // of its first box
  int middle = 0;  // y of the row's middle, where edges run

  [[nodiscard]] std::size_t shown() const {
    return count < kShownSiblings ? count : kShownSiblings;
  }
  [[nodiscard]] int box_top(std::size_t i) const {
    return top + static_cast<int>(i) * (kBoxHeight + kBoxGap);
  }
};

struct Layout {
  std::vector<Stage> stages;
  int height = 0;
};

// Left to right in rows of the page's width, the first row beginning at `top`.
Layout layout_of(const Plan& plan, int top);

}  // namespace hyps::partition
