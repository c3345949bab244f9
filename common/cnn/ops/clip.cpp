// Clip: bounds are attributes before opset 11, optional scalar inputs since.
#include <limits>

#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kLargest = std::numeric_limits<float>::max();

bool has_attributes(const NodeContext& context) { return context.opset < 11; }

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  if (has_attributes(context)) {
    HYPS_CHECK(check_node(context, {1, 1}, {{"max", real}, {"min", real}}));
  } else {
    HYPS_CHECK(check_node(context, {1, 3}));
  }
  for (std::size_t i = 1; i < context.inputs.size(); ++i) {
    if (context.has_input(i) && element_count(context.shape(i)) != 1) {
      return context.error("its bound '" + context.inputs[i].name + "' is no scalar but " +
                           to_string(context.shape(i)));
    }
  }
  return like_first_input(context);
}

// `operands` are tensors by input, nullptr where unknown or omitted.
float bound(const NodeContext& context, const std::vector<const Tensor*>& operands,
            std::size_t input, const char* attribute, float otherwise) {
  if (has_attributes(context)) return context.real(attribute, otherwise);
  if (input >= operands.size() || operands[input] == nullptr) return otherwise;
  return operands[input]->f32()[0];
}

// The upper bound wins where it is below the lower one, as in numpy; NaN stays NaN.
std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const float low = bound(context, inputs, 1, "min", kLowest);
  const float high = bound(context, inputs, 2, "max", kLargest);
  return map_elements(*inputs[0], [=](float x) {
    const float raised = x < low ? low : x;
    return raised > high ? high : raised;
  });
}

Kernel kernel(const NodeContext& context) {
  for (std::size_t i = 1; i < context.inputs.size(); ++i) {
    if (context.has_input(i) && context.constants[i] == nullptr) return ReferenceKernel{};
  }
  const float low = bound(context, context.constants, 1, "min", kLowest);
  const float high = bound(context, context.constants, 2, "max", kLargest);
  if (!(low <= high)) return ReferenceKernel{};  // engines need not define this
  return UnaryKernel{UnaryKernel::Function::clip, low, high};
}

}  // namespace

Operator clip() {
  return {.type = "Clip",
          .infer = infer,
          .flops = output_elements,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
