// Hardmax: 1 where the first of the largest is, else 0.
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/softmax.hpp"

namespace hyps::cnn::ops {

namespace {

void mark_largest(const float* x, float* y, std::int64_t length, std::int64_t step) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < length; ++i) {
    if (x[i * step] > x[best * step]) best = i;
  }
  for (std::int64_t i = 0; i < length; ++i) y[i * step] = i == best ? 1.0F : 0.0F;
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return normalise_runs(context, *inputs[0], mark_largest);
}

}  // namespace

Operator hardmax() {
  return {.type = "Hardmax",
          .infer = infer_softmax,
          .flops = output_elements,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_softmax,
          .tile = tile_softmax};
}

}  // namespace hyps::cnn::ops
