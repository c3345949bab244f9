// Erf: the error function, of which exporters build Gelu.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::erf(x); }

}  // namespace

Operator erf() {
  Operator op = unary_operator("Erf", map_first<value_at>);
  op.opset_min = 9;
  return op;
}

}  // namespace hyps::cnn::ops
