// Tanh: the hyperbolic tangent.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::tanh(x); }

}  // namespace

Operator tanh() {
  return unary_operator("Tanh", map_first<value_at>, unary_kernel<UnaryKernel::Function::tanh>);
}

}  // namespace hyps::cnn::ops
