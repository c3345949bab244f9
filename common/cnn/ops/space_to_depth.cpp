// SpaceToDepth: blocks of pixels become channels, the block outermost.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::int64_t kLargestBlock = 1 << 15;  // its square fits

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"blocksize", AttributeKind::integer}}));
  HYPS_CHECK(check_rank(context, 0, 4, 4));
  const Shape& x = context.shape(0);
  const std::int64_t block = context.integer("blocksize", 0);
  if (block < 1 || block > kLargestBlock || x[2] % block != 0 || x[3] % block != 0) {
    return context.error("blocksize " + std::to_string(block) + " does not divide a map of " +
                         std::to_string(x[2]) + "x" + std::to_string(x[3]));
  }
  return one_output(context, context.inputs[0].type,
                    {x[0], capped_product({x[1], block * block}), x[2] / block, x[3] / block});
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Shape& x = context.shape(0);
  const std::int64_t b = context.integer("blocksize", 0);
  return {rearranged(*inputs[0], {x[0], x[1], x[2] / b, b, x[3] / b, b}, {0, 3, 5, 1, 2, 4},
                     context.outputs[0].shape)};
}

// An output channel's pixels come from one input channel, but neighbours come from others.
std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (axis != 0) return std::nullopt;
  return slice_first_input(context, axis, range);
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  const std::int64_t block = context.integer("blocksize", 0);
  NodeTile tile = whole_tile(context, output);
  for (const Range range : output) {
    tile.inputs[0].push_back({range.begin * block, range.end * block});
  }
  return tile;
}

}  // namespace

Operator space_to_depth() {
  return {.type = "SpaceToDepth",
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
