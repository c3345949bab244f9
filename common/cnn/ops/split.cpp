// Split: one axis cut into parts, equal ones unless their sizes are given: an attribute before
// opset 13, a constant input since. Since opset 18 the last part may be smaller.
#include <algorithm>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Result<std::size_t> axis_of(const NodeContext& context) {
  return normal_axis(context, context.integer("axis", 0), context.shape(0).size());
}

Result<Shape> equal_parts(const NodeContext& context, std::int64_t extent) {
  const auto count = static_cast<std::int64_t>(context.node.outputs.size());
  if (context.integer("num_outputs", count) != count) {
    return context.error("num_outputs is " + std::to_string(context.integer("num_outputs", count)) +
                         ", it has " + std::to_string(count) + " outputs");
  }
  if (context.opset < 18 && extent % count != 0) {
    return context.error("an extent of " + std::to_string(extent) + " has no " +
                         std::to_string(count) + " equal parts");
  }
  const std::int64_t part = (extent + count - 1) / count;
  Shape parts(static_cast<std::size_t>(count), part);
  parts.back() = extent - part * (count - 1);
  if (parts.back() < 0) {
    return context.error("an extent of " + std::to_string(extent) + " has no " +
                         std::to_string(count) + " parts");
  }
  return parts;
}

Result<Shape> parts_of(const NodeContext& context, std::int64_t extent) {
  Shape parts;
  if (context.opset < 13 && context.node.attributes.contains("split")) {
    parts = context.integers("split", {});
  } else if (context.opset >= 13 && context.has_input(1)) {
    HYPS_TRY(parts, constant_integers(context, 1, "split"));
  } else {
    return equal_parts(context, extent);
  }
  std::int64_t sum = 0;
  for (const std::int64_t part : parts) {
    if (part < 0) return context.error("a part has size " + std::to_string(part));
    sum = capped_sum(sum, part);
  }
  if (sum != extent || parts.size() != context.node.outputs.size()) {
    return context.error("parts " + to_string(parts) + " do not divide an extent of " +
                         std::to_string(extent) + " into " +
                         std::to_string(context.node.outputs.size()) + " outputs");
  }
  return parts;
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  if (context.opset < 13) {
    HYPS_CHECK(check_node(context, {1, 1, kAny}, {{"axis", integer}, {"split", integers}}));
  } else if (context.opset < 18) {
    HYPS_CHECK(check_node(context, {1, 2, kAny}, {{"axis", integer}}));
  } else {
    HYPS_CHECK(check_node(context, {1, 2, kAny}, {{"axis", integer}, {"num_outputs", integer}}));
  }
  HYPS_TRY(const std::size_t axis, axis_of(context));
  HYPS_TRY(const Shape parts, parts_of(context, context.shape(0)[axis]));
  std::vector<Value> outputs;
  Shape shape = context.shape(0);
  for (const std::int64_t part : parts) {
    shape[axis] = part;
    outputs.push_back({"", context.inputs[0].type, shape});
  }
  return outputs;
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const std::size_t axis = axis_of(context).value();
  Shape shape = context.shape(0);
  const Shape strides = strides_of(shape);
  std::vector<Tensor> outputs;
  std::int64_t begin = 0;
  const Shape parts = parts_of(context, shape[axis]).value();
  for (const std::int64_t part : parts) {
    shape[axis] = part;
    outputs.push_back(strided(*inputs[0], shape, shape, strides, begin * strides[axis]));
    begin += part;
  }
  return outputs;
}

std::optional<NodeSlice> slice_other_axis(const NodeContext& context, int axis, Range range) {
  if (axis == static_cast<int>(axis_of(context).value())) return std::nullopt;
  return slice_first_input(context, axis, range);
}

std::optional<NodeTile> tile_other_axis(const NodeContext& context, const Region& output) {
  if (axis_of(context).value() >= 2) return std::nullopt;
  return tile_first_input(context, output);
}

}  // namespace

Operator split() {
  return {.type = "Split",
          .required_outputs = kAny,  // their number says how large the parts are
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_other_axis,
          .tile = tile_other_axis};
}

}  // namespace hyps::cnn::ops
