#include "common/cnn/ops/support/binary.hpp"

#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer_two(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  return broadcast_inputs(context);
}

Values infer_any(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, kAny}));
  return broadcast_inputs(context);
}

}  // namespace

Operator binary_operator(std::string_view type, ReferenceForm reference, KernelForm kernel) {
  return {.type = type,
          .infer = infer_two,
          .flops = broadcast_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_broadcast,
          .tile = tile_broadcast};
}

Operator variadic_operator(std::string_view type, ReferenceForm reference, KernelForm kernel) {
  Operator op = binary_operator(type, reference, kernel);
  op.infer = infer_any;
  return op;
}

}  // namespace hyps::cnn::ops
