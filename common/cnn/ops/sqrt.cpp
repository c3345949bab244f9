// Sqrt: the square root; NaN of what is negative.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::sqrt(x); }

}  // namespace

Operator sqrt() {
  return unary_operator("Sqrt", map_first<value_at>, unary_kernel<UnaryKernel::Function::sqrt>);
}

}  // namespace hyps::cnn::ops
