// What GlobalAveragePool and GlobalMaxPool share: one number for each channel of each image.
#pragma once

#include <string_view>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

Operator global_pool_operator(std::string_view type, ReferenceForm reference, KernelForm kernel);

// The pooling whose window is the whole map.
Kernel global_pool_kernel(const NodeContext& context, PoolKernel::Kind kind);

// reduce(plane) gives the number of one plane.
template <typename Reduce>
std::vector<Tensor> reduce_planes(const NodeContext& context, const Tensor& x,
                                  const Reduce& reduce) {
  const Shape& shape = context.shape(0);
  const auto plane = static_cast<std::size_t>(extent_product(shape, 2, shape.size()));
  std::vector<float> y;
  for (std::size_t begin = 0; begin < x.f32().size(); begin += plane) {
    y.push_back(reduce(x.f32().subspan(begin, plane)));
  }
  return {Tensor::floats(context.outputs[0].shape, std::move(y))};
}

}  // namespace hyps::cnn::ops
