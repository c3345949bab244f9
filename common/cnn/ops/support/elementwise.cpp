#include "common/cnn/ops/support/elementwise.hpp"

#include "common/cnn/limits.hpp"

namespace hyps::cnn::ops {

Values like_first_input(const NodeContext& context) {
  HYPS_CHECK(check_floats(context));
  return one_map(context, context.shape(0));
}

Result<Shape> broadcast_shape(const NodeContext& context, std::size_t first) {
  Shape shape = context.shape(first);
  for (std::size_t i = first + 1; i < context.inputs.size(); ++i) {
    if (!context.has_input(i)) return context.error("input " + std::to_string(i) + " is missing");
    const auto wider = broadcast(shape, context.shape(i));
    if (!wider) {
      return context.error("shapes " + to_string(shape) + " and " + to_string(context.shape(i)) +
                           " do not broadcast");
    }
    shape = *wider;
  }
  return shape;
}

Status check_same_types(const NodeContext& context) {
  for (std::size_t i = 1; i < context.inputs.size(); ++i) {
    if (!context.has_input(i) || context.inputs[i].type == context.inputs[0].type) continue;
    return context.error("input " + std::to_string(i) + " is " + to_string(context.inputs[i].type) +
                         ", input 0 is " + to_string(context.inputs[0].type));
  }
  return {};
}

Values broadcast_inputs(const NodeContext& context) {
  const DType type = context.inputs[0].type;
  if (type == DType::boolean) return unsupported(context, "arithmetic on bool is not supported");
  HYPS_CHECK(check_same_types(context));
  HYPS_TRY(Shape shape, broadcast_shape(context));
  if (type == DType::f32) return one_map(context, std::move(shape));
  return one_output(context, type, std::move(shape));
}

std::int64_t output_elements(const NodeContext& context) {
  return element_count(context.outputs.at(0).shape);
}

std::int64_t no_flops(const NodeContext& /*context*/) { return 0; }

std::int64_t broadcast_flops(const NodeContext& context) {
  return capped_product(
      {output_elements(context), static_cast<std::int64_t>(context.inputs.size()) - 1});
}

Kernel view_kernel(const NodeContext& context) {
  const bool is_map = context.inputs[0].type == DType::f32 && element_count(context.shape(0)) > 0;
  if (!is_map) return ReferenceKernel{};
  return ViewKernel{};
}

Kernel reference_kernel(const NodeContext& /*context*/) { return ReferenceKernel{}; }

std::vector<Tensor> same_elements(const NodeContext& context,
                                  const std::vector<const Tensor*>& inputs) {
  return {Tensor{inputs[0]->type, context.outputs[0].shape, inputs[0]->data}};
}

std::vector<Shape> shapes_of(const std::vector<const Tensor*>& tensors) {
  std::vector<Shape> shapes;
  shapes.reserve(tensors.size());
  for (const Tensor* tensor : tensors) shapes.push_back(tensor->shape);
  return shapes;
}

}  // namespace hyps::cnn::ops
