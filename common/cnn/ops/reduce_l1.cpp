// ReduceL1: the sum of magnitudes over some axes.
#include <cmath>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct L1Of {
  static double start() { return 0; }
  static double add(double so_far, double x) { return so_far + std::fabs(x); }
  static double result(double so_far, double /*n*/) { return so_far; }
};

}  // namespace

Operator reduce_l1() { return reduction_operator<L1Of>("ReduceL1"); }

}  // namespace hyps::cnn::ops
