#include "common/cnn/ops/support/unary.hpp"

#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

Values infer_unary(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  return like_first_input(context);
}

Operator unary_operator(std::string_view type, ReferenceForm reference, KernelForm kernel) {
  return {.type = type,
          .infer = infer_unary,
          .flops = output_elements,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
