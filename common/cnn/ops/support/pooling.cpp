#include "common/cnn/ops/support/pooling.hpp"

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/window_tiling.hpp"

namespace hyps::cnn::ops {

Values infer_pool(const NodeContext& context) {
  HYPS_CHECK(check_floats(context));
  HYPS_CHECK(check_rank(context, 0, 3, 5));
  HYPS_TRY(const WindowAxes axes, window_axes(context, context.integers("kernel_shape", {}), true));
  return one_map(context, window_output(context, context.shape(0)[1], axes));
}

WindowAxes pool_axes(const NodeContext& context) {
  return window_axes(context, context.integers("kernel_shape", {}), true).value();
}

std::int64_t pool_flops(const NodeContext& context) {
  std::int64_t flops = output_elements(context);
  for (const std::int64_t extent : context.integers("kernel_shape", {})) {
    flops = capped_product({flops, extent});
  }
  return flops;
}

std::optional<NodeTile> tile_pool(const NodeContext& context, const Region& output) {
  return tile_pool(context, pool_axes(context), output);
}

std::optional<NodeTile> tile_pool(const NodeContext& context, const WindowAxes& axes,
                                  const Region& output) {
  auto tile = tile_windows(context, axes, output);
  if (!tile) return std::nullopt;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool padded = output[i].begin * axes[i].stride < axes[i].pad_begin;
    if (padded && axes[i].dilation > tile->inputs[0][i].size()) return std::nullopt;
  }
  return tile;
}

}  // namespace hyps::cnn::ops
