// ReduceSum: the sum over some axes.
#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct SumOf {
  static double start() { return 0; }
  static double add(double so_far, double x) { return so_far + x; }
  static double result(double so_far, double /*n*/) { return so_far; }
};

}  // namespace

Operator reduce_sum() { return reduction_operator<SumOf, 13>("ReduceSum"); }

}  // namespace hyps::cnn::ops
