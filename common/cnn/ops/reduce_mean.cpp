// ReduceMean: the average over some axes. Over all pixels of a map it is a global pooling.
#include "common/cnn/ops/support/global_pooling.hpp"
#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr int kAxesInputSince = 18;

struct MeanOf {
  static double start() { return 0; }
  static double add(double so_far, double x) { return so_far + x; }
  static double result(double so_far, double n) { return so_far / n; }
};

Kernel kernel(const NodeContext& context) {
  std::vector<bool> pixels(context.shape(0).size(), true);
  if (pixels.size() < 3 || pixels.size() > 5 || !keeps_axes(context)) return ReferenceKernel{};
  pixels[0] = pixels[1] = false;
  if (reduced_axes(context, kAxesInputSince).value() != pixels) return ReferenceKernel{};
  return global_pool_kernel(context, PoolKernel::Kind::average_without_pads);
}

}  // namespace

Operator reduce_mean() {
  Operator op = reduction_operator<MeanOf, kAxesInputSince>("ReduceMean");
  op.kernel = kernel;
  return op;
}

}  // namespace hyps::cnn::ops
