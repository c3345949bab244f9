// GlobalAveragePool: the mean of each channel of each image.
#include "common/cnn/ops/support/global_pooling.hpp"

namespace hyps::cnn::ops {

namespace {

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return reduce_planes(context, *inputs[0], [](std::span<const float> plane) {
    double sum = 0;
    for (const float value : plane) sum += static_cast<double>(value);
    return static_cast<float>(sum / static_cast<double>(plane.size()));
  });
}

Kernel kernel(const NodeContext& context) {
  return global_pool_kernel(context, PoolKernel::Kind::average_without_pads);
}

}  // namespace

Operator global_average_pool() {
  return global_pool_operator("GlobalAveragePool", reference, kernel);
}

}  // namespace hyps::cnn::ops
