// ReduceMin: the smallest over some axes.
#include <algorithm>
#include <limits>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct MinOf {
  static double start() { return std::numeric_limits<double>::infinity(); }
  static double add(double so_far, double x) { return std::min(so_far, x); }
  static double result(double so_far, double /*n*/) { return so_far; }
};

}  // namespace

Operator reduce_min() { return reduction_operator<MinOf>("ReduceMin"); }

}  // namespace hyps::cnn::ops
