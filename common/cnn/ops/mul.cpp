// Mul: broadcast as in numpy.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  return broadcast_inputs(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return fold_elements(inputs, context.outputs[0].shape, [](double a, double b) { return a * b; });
}

Kernel kernel(const NodeContext& /*context*/) {
  return BinaryKernel{BinaryKernel::Function::multiply};
}

}  // namespace

Operator mul() {
  return {.type = "Mul",
          .infer = infer,
          .flops = broadcast_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_broadcast};
}

}  // namespace hyps::cnn::ops
