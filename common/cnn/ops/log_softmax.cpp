// LogSoftmax: x - log(sum of exp(x)). (oneDNN's is off by 1e-6 where the result is 0.)
#include <cmath>

#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/softmax.hpp"

namespace hyps::cnn::ops {

namespace {

void normalise(const float* x, float* y, std::int64_t length, std::int64_t step) {
  const PowerSum powers = power_sum(x, length, step);
  const double shift = powers.largest + std::log(powers.sum);
  for (std::int64_t i = 0; i < length; ++i) {
    y[i * step] = static_cast<float>(static_cast<double>(x[i * step]) - shift);
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return normalise_runs(context, *inputs[0], normalise);
}

}  // namespace

Operator log_softmax() {
  return {.type = "LogSoftmax",
          .infer = infer_softmax,
          .flops = softmax_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_softmax,
          .tile = tile_softmax};
}

}  // namespace hyps::cnn::ops
