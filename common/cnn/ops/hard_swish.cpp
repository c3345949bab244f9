// HardSwish: x * clip(x / 6 + 1 / 2, 0, 1). Since opset 14.
#include <algorithm>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return x * std::max(0.0, std::min(1.0, x / 6 + 0.5)); }

}  // namespace

Operator hard_swish() {
  Operator op = unary_operator("HardSwish", map_first<value_at>,
                               unary_kernel<UnaryKernel::Function::hard_swish>);
  op.opset_min = 14;
  return op;
}

}  // namespace hyps::cnn::ops
