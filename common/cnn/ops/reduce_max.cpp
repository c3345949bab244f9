// ReduceMax: the largest over some axes.
#include <algorithm>
#include <limits>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct MaxOf {
  static double start() { return -std::numeric_limits<double>::infinity(); }
  static double add(double so_far, double x) { return std::max(so_far, x); }
  static double result(double so_far, double /*n*/) { return so_far; }
};

}  // namespace

Operator reduce_max() { return reduction_operator<MaxOf>("ReduceMax"); }

}  // namespace hyps::cnn::ops
