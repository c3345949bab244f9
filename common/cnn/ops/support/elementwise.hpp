// Operators whose output has the shape of their first input, or of all inputs broadcast.
#pragma once

#include <type_traits>
#include <vector>

#include "common/cnn/ops/support/check.hpp"
#include "common/cnn/ops/support/rows.hpp"

namespace hyps::cnn::ops {

// One map shaped as the first input. REQUIRES: check_node passed.
Values like_first_input(const NodeContext& context);
// One tensor of the shape all inputs broadcast to, which are numbers of one type.
Values broadcast_inputs(const NodeContext& context);
// The shape the inputs from `first` on broadcast to.
Result<Shape> broadcast_shape(const NodeContext& context, std::size_t first = 0);
// Every input is of the first one's type.
Status check_same_types(const NodeContext& context);

std::int64_t output_elements(const NodeContext& context);
std::int64_t no_flops(const NodeContext& context);
// One operation an element and an input beyond the first.
std::int64_t broadcast_flops(const NodeContext& context);

// For data movers of any type: a view where the data is a map, else the reference form.
Kernel view_kernel(const NodeContext& context);
Kernel reference_kernel(const NodeContext& context);
// The first input's bytes under the output's shape.
std::vector<Tensor> same_elements(const NodeContext& context,
                                  const std::vector<const Tensor*>& inputs);

// y = f(x) for every element.
template <typename Function>
std::vector<Tensor> map_elements(const Tensor& x, const Function& f) {
  std::vector<float> y;
  y.reserve(x.f32().size());
  for (const float value : x.f32()) y.push_back(f(value));
  return {Tensor::floats(x.shape, std::move(y))};
}

std::vector<Shape> shapes_of(const std::vector<const Tensor*>& tensors);

// What arithmetic on an element type is done in.
template <typename Element>
using Wide = std::conditional_t<std::is_same_v<Element, float>, double, std::int64_t>;

template <typename Element, typename Function>
Tensor fold_typed(const std::vector<const Tensor*>& inputs, const Value& output,
                  const Function& f) {
  const BroadcastRows rows(shapes_of(inputs), output.shape);
  std::vector<Element> y;
  y.reserve(static_cast<std::size_t>(element_count(output.shape)));
  rows.for_each([&](const std::vector<std::int64_t>& first) {
    for (std::int64_t k = 0; k < rows.length(); ++k) {
      const auto element = [&](std::size_t i) {
        const auto at = static_cast<std::size_t>(first[i] + k * rows.step(i));
        return static_cast<Wide<Element>>(inputs[i]->values<Element>()[at]);
      };
      auto folded = element(0);
      for (std::size_t i = 1; i < inputs.size(); ++i) folded = f(folded, element(i));
      y.push_back(static_cast<Element>(folded));
    }
  });
  return {output.type, output.shape, Blob::of(std::move(y))};
}

// Folds all inputs from the left, broadcast to the output: float32 with f(double, double), rounded
// once; integers with f(int64, int64), wrapped to their type.
template <typename Function>
std::vector<Tensor> fold_elements(const std::vector<const Tensor*>& inputs, const Value& output,
                                  const Function& f) {
  switch (output.type) {
    case DType::f32:
      return {fold_typed<float>(inputs, output, f)};
    case DType::i64:
      return {fold_typed<std::int64_t>(inputs, output, f)};
    case DType::i32:
      return {fold_typed<std::int32_t>(inputs, output, f)};
    default:
      return {fold_typed<std::uint8_t>(inputs, output, f)};
  }
}

}  // namespace hyps::cnn::ops
