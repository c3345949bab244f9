// Tile: the tensor repeated a constant number of times along each axis.
#include <algorithm>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  HYPS_TRY(const Shape repeats, constant_integers(context, 1, "repeats"));
  Shape shape = context.shape(0);
  if (repeats.size() != shape.size()) {
    return context.error("repeats has " + std::to_string(repeats.size()) + " numbers, the input " +
                         std::to_string(shape.size()) + " axes");
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (repeats[axis] < 0) return context.error("a number of repeats is negative");
    shape[axis] = capped_product({shape[axis], repeats[axis]});
  }
  return one_output(context, context.inputs[0].type, std::move(shape));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Shape repeats = constant_integers(context, 1, "repeats").value();
  const Shape& shape = context.shape(0);
  const Shape dense = strides_of(shape);
  Shape walk;
  Shape strides;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    walk.insert(walk.end(), {repeats[axis], shape[axis]});
    strides.insert(strides.end(), {0, dense[axis]});
  }
  return {strided(*inputs[0], context.outputs[0].shape, walk, strides)};
}

// Only along axes that are not repeated.
std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  const auto at = static_cast<std::size_t>(axis);
  if (constant_integers(context, 1, "repeats").value()[at] != 1) return std::nullopt;
  return slice_first_input(context, axis, range);
}

std::optional<NodeTile> tile_unrepeated(const NodeContext& context, const Region& output) {
  const Shape repeats = constant_integers(context, 1, "repeats").value();
  const auto is_one = [](std::int64_t count) { return count == 1; };
  if (repeats.size() < 3 || !std::all_of(repeats.begin() + 2, repeats.end(), is_one)) {
    return std::nullopt;
  }
  return tile_first_input(context, output);
}

}  // namespace

Operator tile() {
  return {.type = "Tile",
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile_unrepeated};
}

}  // namespace hyps::cnn::ops
