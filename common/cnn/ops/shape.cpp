// Shape: the extents of a tensor, from `start` to `end` since opset 15. Shapes are static, so it
// always is a constant.
#include <algorithm>

#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Shape named_extents(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto bound = [&](const char* name, std::int64_t otherwise) {
    const std::int64_t axis = context.integer(name, otherwise);
    return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const std::int64_t start = bound("start", 0);
  const std::int64_t end = std::max(start, bound("end", rank));
  return {shape.begin() + start, shape.begin() + end};
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {1, 1}, {{"end", integer}, {"start", integer}}));
  return one_output(context, DType::i64,
                    {static_cast<std::int64_t>(named_extents(context).size())});
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& /*inputs*/) {
  return {Tensor::integers(context.outputs[0].shape, named_extents(context))};
}

}  // namespace

Operator shape() {
  return {.type = "Shape",
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
