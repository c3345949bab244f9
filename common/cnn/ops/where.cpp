// Where: elements of one tensor or another of any one type, as a bool says; all broadcast. Since
// opset 9.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {3, 3}));
  if (context.inputs[0].type != DType::boolean) {
    return context.error(std::string("its condition is ") + to_string(context.inputs[0].type) +
                         " instead of bool");
  }
  if (context.inputs[1].type != context.inputs[2].type) {
    return context.error("inputs 1 and 2 differ in type");
  }
  HYPS_TRY(Shape shape, broadcast_shape(context));
  return one_output(context, context.inputs[1].type, std::move(shape));
}

template <typename Element>
Blob select(const std::vector<const Tensor*>& inputs, const Shape& shape) {
  const BroadcastRows rows(shapes_of(inputs), shape);
  const auto conditions = inputs[0]->values<std::uint8_t>();
  std::vector<Element> y;
  y.reserve(static_cast<std::size_t>(element_count(shape)));
  rows.for_each([&](const std::vector<std::int64_t>& first) {
    for (std::int64_t k = 0; k < rows.length(); ++k) {
      const auto at = [&](std::size_t i) {
        return static_cast<std::size_t>(first[i] + k * rows.step(i));
      };
      const std::size_t chosen = conditions[at(0)] != 0 ? 1 : 2;
      y.push_back(inputs[chosen]->values<Element>()[at(chosen)]);
    }
  });
  return Blob::of(std::move(y));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Value& output = context.outputs[0];
  switch (size_of(output.type)) {
    case 8:
      return {Tensor{output.type, output.shape, select<std::uint64_t>(inputs, output.shape)}};
    case 4:
      return {Tensor{output.type, output.shape, select<std::uint32_t>(inputs, output.shape)}};
    default:
      return {Tensor{output.type, output.shape, select<std::uint8_t>(inputs, output.shape)}};
  }
}

}  // namespace

Operator where() {
  return {.type = "Where",
          .opset_min = 9,
          .infer = infer,
          .flops = output_elements,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_broadcast,
          .tile = tile_broadcast};
}

}  // namespace hyps::cnn::ops
