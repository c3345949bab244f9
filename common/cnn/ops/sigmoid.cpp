// Sigmoid: 1 / (1 + exp(-x)).
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

Operator sigmoid() {
  return unary_operator("Sigmoid", map_first<value_at>,
                        unary_kernel<UnaryKernel::Function::sigmoid>);
}

}  // namespace hyps::cnn::ops
