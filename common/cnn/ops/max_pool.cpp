// MaxPool: 1 to 3 spatial axes, dilations, ceil_mode. The optional Indices output is refused.
#include <limits>

#include "common/cnn/ops/support/pooling.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  if (context.node.outputs.size() > 1) {
    return unsupported(context, "its Indices output is not supported; remove what reads it");
  }
  HYPS_CHECK(check_node(context, {1, 1},
                        {{"auto_pad", text},
                         {"ceil_mode", integer},
                         {"dilations", integers},
                         {"kernel_shape", integers},
                         {"pads", integers},
                         {"storage_order", integer},
                         {"strides", integers}}));
  if (context.integer("storage_order", 0) != 0) {
    return unsupported(context, "storage_order 1 (column major) is not supported");
  }
  return infer_pool(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const WindowVolume axes = volume_of(pool_axes(context));
  const auto largest = [&](std::span<const float> plane, const TapVolume& taps) {
    float best = -std::numeric_limits<float>::infinity();
    for_each_tap(axes, taps, [&](std::int64_t at, std::int64_t /*tap*/) {
      best = std::max(best, plane[static_cast<std::size_t>(at)]);
    });
    return best;
  };
  return pool_planes(context, *inputs[0], axes, largest);
}

Kernel kernel(const NodeContext& context) {
  return PoolKernel{PoolKernel::Kind::max, kernel_window(pool_axes(context))};
}

}  // namespace

Operator max_pool() {
  return {.type = "MaxPool",
          .role = LayerRole::starts,
          .pooling = true,
          .infer = infer,
          .flops = pool_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_channels,
          .tile = tile_pool};
}

}  // namespace hyps::cnn::ops
