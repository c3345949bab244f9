#include "common/cnn/ops/support/resize_axes.hpp"

#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

Result<std::vector<float>> constant_floats(const NodeContext& context, std::size_t input,
                                           const char* what) {
  const Tensor* tensor = context.constants[input];
  if (tensor == nullptr) {
    return unsupported(
        context, std::string(what) + " ('" + context.inputs[input].name + "') must be a constant");
  }
  if (tensor->type != DType::f32 || tensor->shape.size() > 1) {
    return context.error(std::string(what) + " must be a list of float32, it is " +
                         to_string(tensor->type) + " " + to_string(tensor->shape));
  }
  return std::vector<float>(tensor->f32().begin(), tensor->f32().end());
}

Result<std::vector<ResizeAxis>> axes_by_scales(const NodeContext& context,
                                               const std::vector<float>& scales) {
  const Shape& shape = context.shape(0);
  if (scales.size() != shape.size()) {
    return context.error("scales has " + std::to_string(scales.size()) + " numbers, the input " +
                         std::to_string(shape.size()) + " axes");
  }
  std::vector<ResizeAxis> axes;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto scale = static_cast<double>(scales[i]);
    // In float32, as ONNX does: 5 times 1.4 is 7.
    const double output = static_cast<double>(std::floor(static_cast<float>(shape[i]) * scales[i]));
    if (!(scale > 0) || !(output <= static_cast<double>(kMaxTensorBytes))) {
      return context.error("scale " + std::to_string(scales[i]) + " does not fit an extent of " +
                           std::to_string(shape[i]));
    }
    axes.push_back({shape[i], static_cast<std::int64_t>(output), scale, 0, 1});
  }
  return axes;
}

Result<std::vector<ResizeAxis>> axes_by_sizes(const NodeContext& context,
                                              const std::vector<std::int64_t>& sizes) {
  const Shape& shape = context.shape(0);
  if (sizes.size() != shape.size()) {
    return context.error("sizes has " + std::to_string(sizes.size()) + " numbers, the input " +
                         std::to_string(shape.size()) + " axes");
  }
  std::vector<ResizeAxis> axes;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > kMaxTensorBytes) {
      return context.error("size " + std::to_string(sizes[i]) + " is out of bounds");
    }
    axes.push_back(
        {shape[i], sizes[i], static_cast<double>(sizes[i]) / static_cast<double>(shape[i]), 0, 1});
  }
  return axes;
}

Values infer_resized(const NodeContext& context, const Result<ResizePlan>& plan) {
  if (!plan) return plan.error();
  if (context.inputs[0].type != DType::f32) {
    return unsupported(context, std::string("input 0 is ") + to_string(context.inputs[0].type) +
                                    "; only float32 is supported");
  }
  if (element_count(context.shape(0)) == 0) return context.error("its input has no elements");
  Shape shape;
  for (const ResizeAxis& axis : plan->axes) shape.push_back(axis.output);
  return one_map(context, std::move(shape));
}

std::optional<NodeSlice> slice_resized(const NodeContext& context, const ResizePlan& plan, int axis,
                                       Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  if (!leaves_alone(plan, plan.axes[static_cast<std::size_t>(axis)])) return std::nullopt;
  return slice_first_input(context, axis, range);
}

}  // namespace hyps::cnn::ops
