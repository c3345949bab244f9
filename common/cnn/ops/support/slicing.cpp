#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

int no_slice_axis(const NodeContext& /*context*/) { return -1; }

std::optional<NodeSlice> no_slice(const NodeContext& /*context*/, int /*axis*/, Range /*range*/) {
  return std::nullopt;
}

bool is_part_of_output(const NodeContext& context, int axis, Range range) {
  const Shape& shape = context.outputs.at(0).shape;
  return axis >= 0 && static_cast<std::size_t>(axis) < shape.size() && range.begin >= 0 &&
         range.begin < range.end && range.end <= shape[static_cast<std::size_t>(axis)];
}

NodeSlice whole_inputs(const NodeContext& context) {
  return {context.node, std::vector<NodeSlice::Part>(context.node.inputs.size()), {}};
}

std::optional<NodeSlice> slice_first_input(const NodeContext& context, int axis, Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[0] = {axis, range};
  return slice;
}

std::optional<NodeSlice> slice_channels(const NodeContext& context, int axis, Range range) {
  if (axis > 1) return std::nullopt;
  return slice_first_input(context, axis, range);
}

std::optional<NodeSlice> slice_broadcast(const NodeContext& context, int axis, Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  const Shape& output = context.outputs[0].shape;
  for (std::size_t i = 0; i < slice.inputs.size(); ++i) {
    const Shape& input = context.shape(i);
    const int missing = static_cast<int>(output.size() - input.size());
    const int aligned = axis - missing;
    if (aligned < 0) continue;
    const bool broadcast = input[static_cast<std::size_t>(aligned)] == 1;
    if (!broadcast) slice.inputs[i] = {aligned, range};
  }
  return slice;
}

}  // namespace hyps::cnn::ops
