// ReduceL2: the root of the sum of squares over some axes.
#include <cmath>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct L2Of {
  static double start() { return 0; }
  static double add(double so_far, double x) { return so_far + x * x; }
  static double result(double so_far, double /*n*/) { return std::sqrt(so_far); }
};

}  // namespace

Operator reduce_l2() { return reduction_operator<L2Of>("ReduceL2"); }

}  // namespace hyps::cnn::ops
