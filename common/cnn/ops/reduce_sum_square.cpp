// ReduceSumSquare: the sum of squares over some axes.
#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct SumSquareOf {
  static double start() { return 0; }
  static double add(double so_far, double x) { return so_far + x * x; }
  static double result(double so_far, double /*n*/) { return so_far; }
};

}  // namespace

Operator reduce_sum_square() { return reduction_operator<SumSquareOf>("ReduceSumSquare"); }

}  // namespace hyps::cnn::ops
