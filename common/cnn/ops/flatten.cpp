// Flatten: any tensor as a matrix, cut before `axis`.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"axis", AttributeKind::integer}}));
  const Shape& shape = context.shape(0);
  HYPS_TRY(const std::size_t axis,
           normal_axis(context, context.integer("axis", 1), shape.size(), shape.size() + 1));
  return one_output(context, context.inputs[0].type,
                    {extent_product(shape, 0, axis), extent_product(shape, axis, shape.size())});
}

}  // namespace

Operator flatten() {
  return {.type = "Flatten",
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = same_elements,
          .kernel = view_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
