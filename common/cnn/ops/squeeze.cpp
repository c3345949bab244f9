// Squeeze: axes of extent one removed, all of them where none is named. The axes are an attribute
// before opset 13, an input since.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

bool has_attributes(const NodeContext& context) { return context.opset < 13; }

bool names_axes(const NodeContext& context) {
  return has_attributes(context) ? context.node.attributes.contains("axes") : context.has_input(1);
}

Result<std::vector<bool>> removed_axes(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  if (!names_axes(context)) {
    std::vector<bool> ones;
    for (const std::int64_t extent : shape) ones.push_back(extent == 1);
    return ones;
  }
  if (has_attributes(context)) {
    return marked_axes(context, context.integers("axes", {}), shape.size());
  }
  HYPS_TRY(const auto axes, constant_integers(context, 1, "axes"));
  return marked_axes(context, axes, shape.size());
}

Values infer(const NodeContext& context) {
  if (has_attributes(context)) {
    HYPS_CHECK(check_node(context, {1, 1}, {{"axes", AttributeKind::integers}}));
  } else {
    HYPS_CHECK(check_node(context, {1, 2}));
  }
  HYPS_TRY(const auto removed, removed_axes(context));
  const Shape& input = context.shape(0);
  Shape shape;
  for (std::size_t axis = 0; axis < input.size(); ++axis) {
    if (!removed[axis]) {
      shape.push_back(input[axis]);
    } else if (input[axis] != 1) {
      return context.error("axis " + std::to_string(axis) + " of " + to_string(input) +
                           " is not of extent 1");
    }
  }
  return one_output(context, context.inputs[0].type, std::move(shape));
}

// Without a list of axes, rows and columns of one would go too.
std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!names_axes(context)) return std::nullopt;
  const std::vector<bool> removed = removed_axes(context).value();
  std::vector<int> sources;
  for (std::size_t axis = 0; axis < removed.size(); ++axis) {
    if (!removed[axis]) sources.push_back(static_cast<int>(axis));
  }
  return tile_moved(context, output, sources);
}

}  // namespace

Operator squeeze() {
  return {.type = "Squeeze",
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = same_elements,
          .kernel = view_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
