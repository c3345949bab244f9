// Size: the number of elements of a tensor. Shapes are static, so it always is a constant.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  return one_output(context, DType::i64, {});
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& /*inputs*/) {
  return {Tensor::integers({}, {element_count(context.shape(0))})};
}

}  // namespace

Operator size() {
  return {.type = "Size",
          .reads_shapes_only = true,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
