#include "common/partition/svg_layout.hpp"

#include <algorithm>

namespace hyps::partition {

namespace {

std::vector<Stage> stages_of(const Plan& plan) {
  std::vector<Stage> stages;
  for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
    const Partition& partition = plan.partitions[i];
    if (is_sibling(partition.kind) && partition.slice_index > 0 && !stages.empty()) {
      ++stages.back().count;
    } else {
      Stage stage;
      stage.first = i;
      stages.push_back(stage);
    }
  }
  return stages;
}

int height_of(const Stage& stage) {
  const auto shown = static_cast<int>(stage.shown());
  const int more = stage.count > stage.shown() ? 20 : 0;
  return shown * kBoxHeight + (shown - 1) * kBoxGap + more;
}

}  // namespace

Layout layout_of(const Plan& plan, int top) {
  Layout layout;
  layout.stages = stages_of(plan);
  const int step = kBoxWidth + kColumnGap;
  const auto columns = static_cast<std::size_t>((kPageWidth - 2 * kMargin) / step);
  const std::size_t count = layout.stages.size();
  int y = top;
  for (std::size_t begin = 0, row = 0; begin < count; begin += columns, ++row) {
    const std::size_t end = std::min(count, begin + columns);
    int row_height = 0;
    for (std::size_t i = begin; i < end; ++i) {
      row_height = std::max(row_height, height_of(layout.stages[i]));
    }
    for (std::size_t i = begin; i < end; ++i) {
      Stage& stage = layout.stages[i];
      stage.row = static_cast<int>(row);
      stage.x = kMargin + kColumnGap + static_cast<int>(i - begin) * step;
      stage.middle = y + row_height / 2;
      stage.top = stage.middle - height_of(stage) / 2;
    }
    y += row_height + kRowGap;
  }
  layout.height = y - kRowGap + kMargin;
  return layout;
}

}  // namespace hyps::partition
