// Concat: tensors of any one type joined along one axis.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Result<std::size_t> axis_of(const NodeContext& context) {
  if (!context.node.attributes.contains("axis"))
    return context.error("attribute 'axis' is missing");
  return normal_axis(context, context.integer("axis", 0), context.shape(0).size());
}

Status check_fits(const NodeContext& context, std::size_t input, std::size_t axis) {
  if (!context.has_input(input)) {
    return context.error("input " + std::to_string(input) + " is missing");
  }
  Shape shape = context.shape(input);
  const Shape& first = context.shape(0);
  if (context.inputs[input].type != context.inputs[0].type || shape.size() != first.size()) {
    return context.error("input " + std::to_string(input) + " differs in type or rank");
  }
  shape[axis] = first[axis];
  if (shape == first) return {};
  return context.error("input " + std::to_string(input) + " of shape " +
                       to_string(context.shape(input)) + " does not join " + to_string(first) +
                       " along axis " + std::to_string(axis));
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, kAny}, {{"axis", AttributeKind::integer}}));
  HYPS_TRY(const std::size_t axis, axis_of(context));
  Shape shape = context.shape(0);
  for (std::size_t i = 1; i < context.inputs.size(); ++i) {
    HYPS_CHECK(check_fits(context, i, axis));
    shape[axis] += context.shape(i)[axis];
  }
  return one_output(context, context.inputs[0].type, std::move(shape));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Value& output = context.outputs[0];
  const std::size_t axis = axis_of(context).value();
  const std::int64_t outer = output.bytes() == 0 ? 0 : extent_product(output.shape, 0, axis);
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(output.bytes()));
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const Tensor* input : inputs) {
      const std::size_t run = input->data.size() / static_cast<std::size_t>(outer);
      const auto part = input->data.bytes().subspan(static_cast<std::size_t>(o) * run, run);
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
  }
  return {Tensor{output.type, output.shape, Blob::of(std::move(bytes))}};
}

Kernel kernel(const NodeContext& context) {
  if (context.inputs[0].type != DType::f32) return ReferenceKernel{};
  if (context.inputs.size() == 1) return ViewKernel{};
  return ConcatKernel{static_cast<std::int64_t>(axis_of(context).value())};
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  const bool along = axis == static_cast<int>(axis_of(context).value());
  if (along || !is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  for (NodeSlice::Part& part : slice.inputs) part = {axis, range};
  return slice;
}

// Channels side by side; rows and columns only whole.
std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  const bool along = axis_of(context).value() >= 2;
  if (along || !is_region_of_output(context, output)) return std::nullopt;
  return NodeTile{
      context.node, output, std::vector<Region>(context.node.inputs.size(), output), {}};
}

}  // namespace

Operator concat() {
  return {.type = "Concat",
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
