// GlobalAveragePool: the mean of each channel of each image.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

Shape spatial(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  return {shape.begin() + 2, shape.end()};
}

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

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto plane = static_cast<std::size_t>(element_count(spatial(context)));
  const auto x = inputs[0]->f32();
  std::vector<float> y;
  for (std::size_t begin = 0; begin < x.size(); begin += plane) {
    double sum = 0;
    for (const float value : x.subspan(begin, plane)) sum += static_cast<double>(value);
    y.push_back(static_cast<float>(sum / static_cast<double>(plane)));
  }
  return {Tensor::floats(context.outputs[0].shape, std::move(y))};
}

Kernel kernel(const NodeContext& context) {
  const Shape extents = spatial(context);
  const Shape ones(extents.size(), 1);
  const Shape zeros(extents.size(), 0);
  return PoolKernel{PoolKernel::Kind::average_without_pads, {extents, ones, ones, zeros, zeros}};
}

}  // namespace

Operator global_average_pool() {
  return {.type = "GlobalAveragePool",
          .role = LayerRole::starts,
          .pooling = true,
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_channels};
}

}  // namespace hyps::cnn::ops
