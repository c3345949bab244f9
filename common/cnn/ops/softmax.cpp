// Softmax: exp(x) / sum of exp(x).
#include "common/cnn/ops/support/softmax.hpp"

#include <cmath>

#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

void normalise(const float* x, float* y, std::int64_t length, std::int64_t step) {
  const PowerSum powers = power_sum(x, length, step);
  for (std::int64_t i = 0; i < length; ++i) {
    const double power = std::exp(static_cast<double>(x[i * step]) - powers.largest);
    y[i * step] = static_cast<float>(power / powers.sum);
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return normalise_runs(context, *inputs[0], normalise);
}

Kernel kernel(const NodeContext& context) { return softmax_extents(context); }

}  // namespace

Operator softmax() {
  return {.type = "Softmax",
          .infer = infer_softmax,
          .flops = softmax_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_softmax,
          .tile = tile_softmax};
}

}  // namespace hyps::cnn::ops
