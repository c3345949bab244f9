// ReduceLogSum: the logarithm of the sum over some axes.
#include <cmath>

#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct LogSumOf {
  static double start() { return 0; }
  static double add(double so_far, double x) { return so_far + x; }
  static double result(double so_far, double /*n*/) { return std::log(so_far); }
};

}  // namespace

Operator reduce_log_sum() { return reduction_operator<LogSumOf>("ReduceLogSum"); }

}  // namespace hyps::cnn::ops
