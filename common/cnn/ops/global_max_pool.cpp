// GlobalMaxPool: the largest of each channel of each image.
#include <algorithm>

#include "common/cnn/ops/support/global_pooling.hpp"

namespace hyps::cnn::ops {

namespace {

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return reduce_planes(context, *inputs[0], [](std::span<const float> plane) {
    return *std::max_element(plane.begin(), plane.end());
  });
}

Kernel kernel(const NodeContext& context) {
  return global_pool_kernel(context, PoolKernel::Kind::max);
}

}  // namespace

Operator global_max_pool() { return global_pool_operator("GlobalMaxPool", reference, kernel); }

}  // namespace hyps::cnn::ops
