// What ArgMax and ArgMin share: where along one axis the extreme is.
#pragma once

#include <string_view>
#include <vector>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

Operator arg_operator(std::string_view type, ReferenceForm reference);
// The one axis, marked.
std::vector<bool> arg_axis(const NodeContext& context);
bool takes_last(const NodeContext& context);

// better(x, best): x is further out than the best so far.
template <typename Better>
std::vector<Tensor> find_extremes(const NodeContext& context, const Tensor& x, Better better) {
  const Shape& shape = context.outputs[0].shape;
  const auto count = static_cast<std::size_t>(element_count(shape));
  const bool last = takes_last(context);
  std::vector<float> best(count);
  std::vector<std::int64_t> seen(count, 0);
  std::vector<std::int64_t> where(count, 0);
  walk_reduced(x, arg_axis(context), [&](std::size_t at, float value) {
    const std::int64_t index = seen[at]++;
    if (index > 0 && !better(value, best[at]) && !(last && value == best[at])) return;
    best[at] = value;
    where[at] = index;
  });
  return {Tensor::integers(shape, std::move(where))};
}

}  // namespace hyps::cnn::ops
