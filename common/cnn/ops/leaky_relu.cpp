// LeakyRelu: x where positive, else alpha * x.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

float alpha_of(const NodeContext& context) { return context.real("alpha", 0.01F); }

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"alpha", AttributeKind::real}}));
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const float alpha = alpha_of(context);
  return map_elements(*inputs[0], [alpha](float x) { return x < 0 ? alpha * x : x; });
}

Kernel kernel(const NodeContext& context) {
  return UnaryKernel{UnaryKernel::Function::leaky_relu, alpha_of(context), 0};
}

}  // namespace

Operator leaky_relu() {
  return {.type = "LeakyRelu",
          .infer = infer,
          .flops = output_elements,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
