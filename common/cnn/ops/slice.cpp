// Slice: a range of some axes, with steps, backwards if negative. The ranges are attributes before
// opset 10, constant inputs since.
#include <algorithm>
#include <array>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

bool has_attributes(const NodeContext& context) { return context.opset < 10; }

// What is taken of one axis.
struct Taken {
  std::int64_t begin = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

Taken taken_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
  // Beyond the extent all steps are alike; and their negative must exist.
  step = std::clamp(step, -kMaxTensorBytes - 1, kMaxTensorBytes + 1);
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  if (step > 0) {
    start = std::clamp<std::int64_t>(start, 0, extent);
    end = std::clamp<std::int64_t>(end, 0, extent);
    return {start, step, std::max<std::int64_t>((end - start + step - 1) / step, 0)};
  }
  start = std::clamp<std::int64_t>(start, std::min<std::int64_t>(extent - 1, 0), extent - 1);
  end = std::clamp<std::int64_t>(end, -1, extent - 1);
  return {start, step, std::max<std::int64_t>((start - end - step - 1) / -step, 0)};
}

struct Lists {
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> ends;
  std::vector<std::int64_t> axes;
  std::vector<std::int64_t> steps;
};

std::vector<std::int64_t> first_axes(std::size_t count) {
  std::vector<std::int64_t> axes(count);
  for (std::size_t i = 0; i < count; ++i) axes[i] = static_cast<std::int64_t>(i);
  return axes;
}

Result<Lists> lists_of(const NodeContext& context) {
  Lists lists;
  if (has_attributes(context)) {
    lists.starts = context.integers("starts", {});
    lists.ends = context.integers("ends", {});
    lists.axes = context.integers("axes", first_axes(lists.starts.size()));
    lists.steps.assign(lists.starts.size(), 1);
    return lists;
  }
  HYPS_TRY(lists.starts, constant_integers(context, 1, "starts"));
  HYPS_TRY(lists.ends, constant_integers(context, 2, "ends"));
  lists.axes = first_axes(lists.starts.size());
  lists.steps.assign(lists.starts.size(), 1);
  if (context.has_input(3)) {
    HYPS_TRY(lists.axes, constant_integers(context, 3, "axes"));
  }
  if (context.has_input(4)) {
    HYPS_TRY(lists.steps, constant_integers(context, 4, "steps"));
  }
  return lists;
}

// For every axis of the input.
Result<std::vector<Taken>> all_taken(const NodeContext& context) {
  HYPS_TRY(const Lists lists, lists_of(context));
  const std::size_t count = lists.starts.size();
  if (lists.ends.size() != count || lists.axes.size() != count || lists.steps.size() != count) {
    return context.error("starts, ends, axes and steps differ in length");
  }
  const Shape& shape = context.shape(0);
  HYPS_CHECK(marked_axes(context, lists.axes, shape.size()));
  std::vector<Taken> taken;
  for (const std::int64_t extent : shape) taken.push_back({0, 1, extent});
  for (std::size_t i = 0; i < count; ++i) {
    if (lists.steps[i] == 0) return context.error("a step is 0");
    const std::size_t axis = normal_axis(context, lists.axes[i], shape.size()).value();
    taken[axis] = taken_of(lists.starts[i], lists.ends[i], lists.steps[i], shape[axis]);
  }
  return taken;
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  if (has_attributes(context)) {
    HYPS_CHECK(check_node(context, {1, 1},
                          {{"axes", integers}, {"ends", integers}, {"starts", integers}}));
  } else {
    HYPS_CHECK(check_node(context, {3, 5}));
  }
  HYPS_TRY(const auto taken, all_taken(context));
  Shape shape;
  for (const Taken& axis : taken) shape.push_back(axis.count);
  return one_output(context, context.inputs[0].type, std::move(shape));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto taken = all_taken(context).value();
  Shape strides = strides_of(context.shape(0));
  std::int64_t start = 0;
  for (std::size_t axis = 0; axis < strides.size(); ++axis) {
    start += taken[axis].begin * strides[axis];
    strides[axis] *= taken[axis].count > 1 ? taken[axis].step : 0;  // a step may be any number
  }
  const Shape& shape = context.outputs[0].shape;
  return {strided(*inputs[0], shape, shape, strides, start)};
}

// Only along axes that are taken whole.
std::optional<NodeSlice> slice_whole_axis(const NodeContext& context, int axis, Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  const Taken taken = all_taken(context).value()[static_cast<std::size_t>(axis)];
  const std::int64_t extent = context.shape(0)[static_cast<std::size_t>(axis)];
  if (taken.begin != 0 || taken.step != 1 || taken.count != extent) return std::nullopt;
  return slice_first_input(context, axis, range);
}

// Counted in the part of the input that it needs. REQUIRES: range is not empty.
Taken part_of(const Taken& taken, Range range) {
  const std::int64_t begin = taken.step > 0 ? 0 : (1 - range.size()) * taken.step;
  return {begin, range.size() > 1 ? taken.step : 1, range.size()};
}

// The inputs from the first to the last one taken. REQUIRES: range is not empty.
Range needed_of(const Taken& taken, Range range) {
  const std::int64_t first = taken.begin + range.begin * taken.step;
  const std::int64_t last = first + (range.size() > 1 ? (range.size() - 1) * taken.step : 0);
  return {std::min(first, last), std::max(first, last) + 1};
}

// An end that takes so many; counted from the end of the axis where it lies before the beginning.
std::int64_t end_of(const Taken& taken, std::int64_t extent) {
  const std::int64_t last = taken.begin + (taken.count > 1 ? (taken.count - 1) * taken.step : 0);
  if (taken.step > 0) return last + 1;
  return last > 0 ? last - 1 : -extent - 1;
}

// The node that takes that of all axes.
void take(const std::vector<Taken>& taken, const Shape& shape, NodeTile& tile) {
  Lists lists;
  lists.axes = first_axes(taken.size());
  for (std::size_t axis = 0; axis < taken.size(); ++axis) {
    lists.starts.push_back(taken[axis].begin);
    lists.ends.push_back(end_of(taken[axis], shape[axis]));
    lists.steps.push_back(taken[axis].step);
  }
  if (tile.inputs.size() == 1) {  // before opset 10
    tile.node.attributes = {{"starts", lists.starts}, {"ends", lists.ends}, {"axes", lists.axes}};
    return;
  }
  const std::array all{lists.starts, lists.ends, lists.axes, lists.steps};
  for (std::size_t i = 1; i < tile.inputs.size(); ++i) {
    if (tile.node.inputs[i].empty()) continue;
    tile.constants[i] = Tensor::integers({static_cast<std::int64_t>(taken.size())}, all[i - 1]);
  }
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  auto taken = all_taken(context).value();
  Shape shape = context.shape(0);
  NodeTile tile = whole_tile(context, output);
  for (std::size_t i = 0; i < output.size(); ++i) {
    const Range needed = needed_of(taken[i + 2], output[i]);
    taken[i + 2] = part_of(taken[i + 2], output[i]);
    shape[i + 2] = needed.size();
    tile.inputs[0].push_back(needed);
  }
  take(taken, shape, tile);
  return tile;
}

}  // namespace

Operator slice() {
  return {.type = "Slice",
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_whole_axis,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
