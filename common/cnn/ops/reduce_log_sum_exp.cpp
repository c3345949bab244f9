// ReduceLogSumExp: the logarithm of the sum of exp(x) over some axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr int kAxesInputSince = 18;

// The largest is taken out, so that no power overflows.
std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto reduced = reduced_axes(context, kAxesInputSince).value();
  const Shape& shape = context.outputs[0].shape;
  const auto count = static_cast<std::size_t>(element_count(shape));
  std::vector<double> largest(count, -std::numeric_limits<double>::max());
  walk_reduced(*inputs[0], reduced, [&](std::size_t at, float x) {
    largest[at] = std::max(largest[at], static_cast<double>(x));
  });
  std::vector<double> sums(count, 0);
  walk_reduced(*inputs[0], reduced, [&](std::size_t at, float x) {
    sums[at] += std::exp(static_cast<double>(x) - largest[at]);
  });
  std::vector<float> y;
  for (std::size_t i = 0; i < count; ++i) {
    y.push_back(static_cast<float>(largest[i] + std::log(sums[i])));
  }
  return {Tensor::floats(shape, std::move(y))};
}

}  // namespace

Operator reduce_log_sum_exp() {
  Operator op = unary_operator("ReduceLogSumExp", reference);
  op.infer = infer_reduction<kAxesInputSince>;
  op.flops = input_elements;
  op.slice = slice_reduction<kAxesInputSince>;
  op.tile = tile_reduction<kAxesInputSince>;
  return op;
}

}  // namespace hyps::cnn::ops
