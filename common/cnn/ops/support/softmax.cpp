#include "common/cnn/ops/support/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

bool flattens(const NodeContext& context) { return context.opset < 13; }

Result<std::size_t> axis_of(const NodeContext& context) {
  return normal_axis(context, context.integer("axis", flattens(context) ? 1 : -1),
                     context.shape(0).size());
}

}  // namespace

Values infer_softmax(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"axis", AttributeKind::integer}}));
  HYPS_CHECK(axis_of(context));
  return like_first_input(context);
}

SoftmaxKernel softmax_extents(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  const std::size_t axis = axis_of(context).value();
  const std::size_t end = flattens(context) ? shape.size() : axis + 1;
  return {extent_product(shape, 0, axis), extent_product(shape, axis, end),
          extent_product(shape, end, shape.size())};
}

std::int64_t softmax_flops(const NodeContext& context) {
  return capped_product({5, output_elements(context)});
}

std::optional<NodeSlice> slice_softmax(const NodeContext& context, int axis, Range range) {
  const auto own = static_cast<int>(axis_of(context).value());
  const bool normalised = axis == own || (flattens(context) && axis > own);
  if (normalised) return std::nullopt;
  return slice_first_input(context, axis, range);
}

std::optional<NodeTile> tile_softmax(const NodeContext& context, const Region& output) {
  if (flattens(context) || axis_of(context).value() >= 2) return std::nullopt;
  return tile_first_input(context, output);
}

PowerSum power_sum(const float* x, std::int64_t length, std::int64_t step) {
  PowerSum powers{static_cast<double>(x[0]), 0};
  for (std::int64_t i = 1; i < length; ++i) {
    powers.largest = std::max(powers.largest, static_cast<double>(x[i * step]));
  }
  for (std::int64_t i = 0; i < length; ++i) {
    powers.sum += std::exp(static_cast<double>(x[i * step]) - powers.largest);
  }
  return powers;
}

}  // namespace hyps::cnn::ops
