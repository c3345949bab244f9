#include "common/cnn/ops/support/pooling.hpp"

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"

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

}  // namespace hyps::cnn::ops
