// What Softmax, LogSoftmax and Hardmax share. Before opset 13 the input is flattened to two axes at
// `axis` and the whole second one is normalised; since 13 only `axis` is.
#pragma once

#include "common/cnn/ops/support/elementwise.hpp"

namespace hyps::cnn::ops {

Values infer_softmax(const NodeContext& context);
// The input as [outer, length, inner]. REQUIRES: infer_softmax passed.
SoftmaxKernel softmax_extents(const NodeContext& context);
// Maximum, difference, power, sum, quotient.
std::int64_t softmax_flops(const NodeContext& context);
// Not along what is normalised.
std::optional<NodeSlice> slice_softmax(const NodeContext& context, int axis, Range range);
// Where batch or channels are normalised, not rows or columns.
std::optional<NodeTile> tile_softmax(const NodeContext& context, const Region& output);

// normalise(x, y, length, step) for each run that is normalised: `length` elements, `step` apart.
template <typename Normalise>
std::vector<Tensor> normalise_runs(const NodeContext& context, const Tensor& x,
                                   const Normalise& normalise) {
  const SoftmaxKernel extents = softmax_extents(context);
  std::vector<float> y(x.f32().size());
  for (std::int64_t o = 0; o < extents.outer; ++o) {
    for (std::int64_t i = 0; i < extents.inner; ++i) {
      const std::int64_t first = o * extents.length * extents.inner + i;
      normalise(x.f32().data() + first, y.data() + first, extents.length, extents.inner);
    }
  }
  return {Tensor::floats(x.shape, std::move(y))};
}

// The logarithm of the sum of the powers, in two parts that do not overflow.
struct PowerSum {
  double largest = 0;
  double sum = 0;  // of exp(x - largest)
};
PowerSum power_sum(const float* x, std::int64_t length, std::int64_t step);

}  // namespace hyps::cnn::ops
