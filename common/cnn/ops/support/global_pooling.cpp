#include "common/cnn/ops/support/global_pooling.hpp"

#include <algorithm>

#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  HYPS_CHECK(check_floats(context));
  HYPS_CHECK(check_rank(context, 0, 3, 5));
  Shape shape = context.shape(0);
  if (element_count(shape) == 0) return context.error("its input has no elements");
  std::fill(shape.begin() + 2, shape.end(), 1);
  return one_map(context, std::move(shape));
}

std::int64_t flops(const NodeContext& context) { return element_count(context.shape(0)); }

}  // namespace

Operator global_pool_operator(std::string_view type, ReferenceForm reference, KernelForm kernel) {
  return {.type = type,
          .role = LayerRole::starts,
          .pooling = true,
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_channels,
          .tile = no_tile};
}

Kernel global_pool_kernel(const NodeContext& context, PoolKernel::Kind kind) {
  // Engines add the taps up one by one in float32: so many are still exact enough.
  constexpr std::int64_t kMostAveraged = 256;
  const Shape& shape = context.shape(0);
  if (kind != PoolKernel::Kind::max && extent_product(shape, 2, shape.size()) > kMostAveraged) {
    return ReferenceKernel{};
  }
  Window window;
  for (std::size_t axis = 2; axis < context.shape(0).size(); ++axis) {
    window.kernel.push_back(context.shape(0)[axis]);
    window.strides.push_back(1);
    window.dilations.push_back(1);
    window.pads_begin.push_back(0);
    window.pads_end.push_back(0);
  }
  return PoolKernel{kind, std::move(window)};
}

}  // namespace hyps::cnn::ops
