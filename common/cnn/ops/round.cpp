// Round: to the nearest integer, halves to the even one.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::nearbyint(x); }

}  // namespace

Operator round() {
  Operator op = unary_operator("Round", map_first<value_at>);
  op.opset_min = 11;
  return op;
}

}  // namespace hyps::cnn::ops
