// GreaterOrEqual: a >= b. Since opset 12.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator greater_or_equal() {
  Operator op =
      compare_operator("GreaterOrEqual", compare<std::greater_equal<>>, Comparable::numbers);
  op.opset_min = 12;
  return op;
}

}  // namespace hyps::cnn::ops
