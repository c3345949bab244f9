// DepthToSpace: channels become blocks of pixels (pixel shuffle). Mode DCR has the block outermost
// among the channels, CRD (since opset 11) innermost.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::int64_t kLargestBlock = 1 << 15;  // its square fits

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {1, 1}, {{"blocksize", integer}, {"mode", text}}));
  HYPS_CHECK(check_rank(context, 0, 4, 4));
  const std::string mode = context.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    return context.error("mode '" + mode + "' is not one of DCR, CRD");
  }
  const Shape& x = context.shape(0);
  const std::int64_t block = context.integer("blocksize", 0);
  if (block < 1 || block > kLargestBlock || x[1] % (block * block) != 0) {
    return context.error("blocksize " + std::to_string(block) + " squared does not divide " +
                         std::to_string(x[1]) + " channels");
  }
  return one_output(
      context, context.inputs[0].type,
      {x[0], x[1] / (block * block), capped_product({x[2], block}), capped_product({x[3], block})});
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Shape& x = context.shape(0);
  const std::int64_t b = context.integer("blocksize", 0);
  const std::int64_t channels = x[1] / (b * b);
  const bool block_first = context.text("mode", "DCR") == "DCR";
  const Shape seen = block_first ? Shape{x[0], b, b, channels, x[2], x[3]}
                                 : Shape{x[0], channels, b, b, x[2], x[3]};
  const Shape order = block_first ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3};
  return {rearranged(*inputs[0], seen, order, context.outputs[0].shape)};
}

// An output channel takes several input channels, so only images can be told apart.
std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (axis != 0) return std::nullopt;
  return slice_first_input(context, axis, range);
}

// Blocks that the region touches are given whole.
std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  const std::int64_t block = context.integer("blocksize", 0);
  NodeTile tile = whole_tile(context, output);
  for (Range& range : tile.output) {
    const Range pixels{range.begin / block, (range.end - 1) / block + 1};
    range = {pixels.begin * block, pixels.end * block};
    tile.inputs[0].push_back(pixels);
  }
  return tile;
}

}  // namespace

Operator depth_to_space() {
  return {.type = "DepthToSpace",
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
