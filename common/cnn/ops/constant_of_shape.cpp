// ConstantOfShape: a tensor of a constant shape filled with one value, float32 0 if none is given.
// Since opset 9.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Tensor value_of(const NodeContext& context) {
  const auto found = context.node.attributes.find("value");
  if (found == context.node.attributes.end()) return Tensor::floats({1}, {0});
  return std::get<Tensor>(found->second);
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"value", AttributeKind::tensor}}));
  const Tensor value = value_of(context);
  if (const std::string fault = tensor_fault(value); !fault.empty()) {
    return context.error("its value: " + fault);
  }
  if (element_count(value.shape) != 1) {
    return context.error("its value of shape " + to_string(value.shape) + " is not one number");
  }
  HYPS_TRY(Shape shape, constant_integers(context, 0, "the shape"));
  return one_output(context, value.type, std::move(shape));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& /*inputs*/) {
  const Shape& shape = context.outputs[0].shape;
  return {strided(value_of(context), shape, shape, Shape(shape.size(), 0))};
}

}  // namespace

Operator constant_of_shape() {
  return {.type = "ConstantOfShape",
          .opset_min = 9,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
