// Relu: max(x, 0); NaN stays NaN.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& /*context*/,
                              const std::vector<const Tensor*>& inputs) {
  return map_elements(*inputs[0], [](float x) { return x < 0 ? 0.0F : x; });
}

Kernel kernel(const NodeContext& /*context*/) {
  return UnaryKernel{UnaryKernel::Function::relu, 0, 0};
}

}  // namespace

Operator relu() {
  return {.type = "Relu",
          .infer = infer,
          .flops = output_elements,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
