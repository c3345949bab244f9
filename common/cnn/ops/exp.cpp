// Exp: e to the power of x.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::exp(x); }

}  // namespace

Operator exp() {
  return unary_operator("Exp", map_first<value_at>, unary_kernel<UnaryKernel::Function::exp>);
}

}  // namespace hyps::cnn::ops
