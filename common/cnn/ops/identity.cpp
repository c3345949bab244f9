// Identity: y = x.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  return one_output(context, context.inputs[0].type, context.shape(0));
}

std::vector<Tensor> reference(const NodeContext& /*context*/,
                              const std::vector<const Tensor*>& inputs) {
  return {*inputs[0]};
}

}  // namespace

Operator identity() {
  return {.type = "Identity",
          .passes_through = true,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = view_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
