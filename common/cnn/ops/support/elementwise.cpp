#include "common/cnn/ops/support/elementwise.hpp"

#include "common/cnn/limits.hpp"

namespace hyps::cnn::ops {

Values like_first_input(const NodeContext& context) {
  HYPS_CHECK(check_floats(context));
  return one_map(context, context.shape(0));
}

Values broadcast_inputs(const NodeContext& context) {
  HYPS_CHECK(check_floats(context));
  Shape shape = context.shape(0);
  for (std::size_t i = 1; i < context.inputs.size(); ++i) {
    if (!context.has_input(i)) return context.error("input " + std::to_string(i) + " is missing");
    const auto wider = broadcast(shape, context.shape(i));
    if (!wider) {
      return context.error("shapes " + to_string(shape) + " and " + to_string(context.shape(i)) +
                           " do not broadcast");
    }
    shape = *wider;
  }
  return one_map(context, std::move(shape));
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
  if (context.inputs[0].type != DType::f32) return ReferenceKernel{};
  return ViewKernel{};
}

}  // namespace hyps::cnn::ops
