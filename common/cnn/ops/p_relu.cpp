// PRelu: x where positive, else slope * x; the slope is broadcast to x, mostly one for a channel.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  if (broadcast(context.shape(1), context.shape(0)) != context.shape(0)) {
    return context.error("its slope of shape " + to_string(context.shape(1)) +
                         " does not broadcast to " + to_string(context.shape(0)));
  }
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto sloped = [](double x, double slope) { return x < 0 ? slope * x : x; };
  return {fold_typed<float>(inputs, context.outputs[0], sloped)};
}

Kernel kernel(const NodeContext& context) {
  if (context.constants[1] == nullptr) return ReferenceKernel{};
  return PReluKernel{};
}

}  // namespace

Operator p_relu() {
  return {.type = "PRelu",
          .infer = infer,
          .flops = output_elements,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_broadcast,
          .tile = tile_broadcast};
}

}  // namespace hyps::cnn::ops
