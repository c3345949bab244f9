// Dropout at inference: y = x, and a mask of ones where one is asked for. Training is refused.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::size_t kTrainingMode = 2;  // input, since opset 12

bool has_mask(const NodeContext& context) {
  return context.node.outputs.size() > 1 && !context.node.outputs[1].empty();
}

// Before opset 10 the mask had the type of the data.
DType mask_type(const NodeContext& context) {
  return context.opset < 10 ? context.inputs[0].type : DType::boolean;
}

Status check_inference(const NodeContext& context) {
  if (!context.has_input(kTrainingMode)) return {};
  const Tensor* mode = context.constants[kTrainingMode];
  const bool off = mode != nullptr && mode->type == DType::boolean && mode->data.size() == 1 &&
                   mode->values<std::uint8_t>()[0] == 0;
  if (off) return {};
  return unsupported(context, "training_mode must be a constant false; export for inference");
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  const std::size_t most = context.opset < 12 ? 1 : 3;
  HYPS_CHECK(check_node(context, {1, most, 2}, {{"ratio", real}, {"seed", integer}}));
  HYPS_CHECK(check_inference(context));
  if (has_mask(context) && context.opset < 10 && context.inputs[0].type != DType::f32) {
    return unsupported(context, "a mask of type " + std::string(to_string(mask_type(context))));
  }
  HYPS_TRY(std::vector<Value> outputs,
           one_output(context, context.inputs[0].type, context.shape(0)));
  if (context.node.outputs.size() > 1)
    outputs.push_back({"", mask_type(context), context.shape(0)});
  return outputs;
}

Tensor mask_of_ones(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  const auto count = static_cast<std::size_t>(element_count(shape));
  if (mask_type(context) == DType::f32) return Tensor::floats(shape, std::vector<float>(count, 1));
  return {DType::boolean, shape, Blob::of(std::vector<std::uint8_t>(count, 1))};
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  std::vector<Tensor> outputs{*inputs[0]};
  if (context.node.outputs.size() > 1) outputs.push_back(mask_of_ones(context));
  return outputs;
}

Kernel kernel(const NodeContext& context) {
  return has_mask(context) ? ReferenceKernel{} : view_kernel(context);
}

}  // namespace

Operator dropout() {
  return {.type = "Dropout",
          .passes_through = true,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
