// Operators that compare two tensors of one type, broadcast as in numpy, and give bool.
#pragma once

#include <string_view>
#include <vector>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

// Which element types an operator takes.
enum class Comparable { numbers, anything, booleans };

Operator compare_operator(std::string_view type, ReferenceForm reference, Comparable what);

template <typename Element, typename Function>
Tensor compare_typed(const std::vector<const Tensor*>& inputs, const Shape& shape) {
  const BroadcastRows rows(shapes_of(inputs), shape);
  const auto a = inputs[0]->values<Element>();
  const auto b = inputs[1]->values<Element>();
  const Function holds{};
  std::vector<std::uint8_t> y;
  y.reserve(static_cast<std::size_t>(element_count(shape)));
  rows.for_each([&](const std::vector<std::int64_t>& first) {
    for (std::int64_t k = 0; k < rows.length(); ++k) {
      const bool result = holds(a[static_cast<std::size_t>(first[0] + k * rows.step(0))],
                                b[static_cast<std::size_t>(first[1] + k * rows.step(1))]);
      y.push_back(result ? 1 : 0);
    }
  });
  return {DType::boolean, shape, Blob::of(std::move(y))};
}

// reference: Function as std::less<> and its like.
template <typename Function>
std::vector<Tensor> compare(const NodeContext& context, const std::vector<const Tensor*>& inputs) {
  const Shape& shape = context.outputs[0].shape;
  switch (inputs[0]->type) {
    case DType::f32:
      return {compare_typed<float, Function>(inputs, shape)};
    case DType::i64:
      return {compare_typed<std::int64_t, Function>(inputs, shape)};
    case DType::i32:
      return {compare_typed<std::int32_t, Function>(inputs, shape)};
    default:
      return {compare_typed<std::uint8_t, Function>(inputs, shape)};
  }
}

}  // namespace hyps::cnn::ops
