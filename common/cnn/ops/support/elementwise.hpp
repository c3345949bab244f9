// Operators whose output has the shape of their first input, or of all inputs broadcast.
#pragma once

#include <vector>

#include "common/cnn/ops/support/check.hpp"
#include "common/cnn/ops/support/position.hpp"

namespace hyps::cnn::ops {

// One map shaped as the first input. REQUIRES: check_node passed.
Values like_first_input(const NodeContext& context);
// One map of the shape all inputs broadcast to.
Values broadcast_inputs(const NodeContext& context);

std::int64_t output_elements(const NodeContext& context);
std::int64_t no_flops(const NodeContext& context);
// One operation an element and an input beyond the first.
std::int64_t broadcast_flops(const NodeContext& context);

// For data movers of any type: a view where the data is a map, else the reference form.
Kernel view_kernel(const NodeContext& context);

// y = f(x) for every element.
template <typename Function>
std::vector<Tensor> map_elements(const Tensor& x, const Function& f) {
  std::vector<float> y;
  y.reserve(x.f32().size());
  for (const float value : x.f32()) y.push_back(f(value));
  return {Tensor::floats(x.shape, std::move(y))};
}

// Folds all inputs from the left with f(double, double), broadcast to `shape`; rounded once.
template <typename Function>
std::vector<Tensor> fold_elements(const std::vector<const Tensor*>& inputs, const Shape& shape,
                                  const Function& f) {
  std::vector<Shape> strides;
  strides.reserve(inputs.size());
  for (const Tensor* input : inputs) strides.push_back(broadcast_strides(input->shape, shape));
  std::vector<float> y;
  y.reserve(static_cast<std::size_t>(element_count(shape)));
  for_each_position(shape, [&](const Shape& position) {
    const auto element = [&](std::size_t i) {
      const auto offset = static_cast<std::size_t>(offset_of(position, strides[i]));
      return static_cast<double>(inputs[i]->f32()[offset]);
    };
    double folded = element(0);
    for (std::size_t i = 1; i < inputs.size(); ++i) folded = f(folded, element(i));
    y.push_back(static_cast<float>(folded));
  });
  return {Tensor::floats(shape, std::move(y))};
}

}  // namespace hyps::cnn::ops
