// ReduceProd: the product over some axes.
#include "common/cnn/ops/support/reduction.hpp"

namespace hyps::cnn::ops {

namespace {

struct ProdOf {
  static double start() { return 1; }
  static double add(double so_far, double x) { return so_far * x; }
  static double result(double so_far, double /*n*/) { return so_far; }
};

}  // namespace

Operator reduce_prod() { return reduction_operator<ProdOf>("ReduceProd"); }

}  // namespace hyps::cnn::ops
