// LessOrEqual: a <= b. Since opset 12.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator less_or_equal() {
  Operator op = compare_operator("LessOrEqual", compare<std::less_equal<>>, Comparable::numbers);
  op.opset_min = 12;
  return op;
}

}  // namespace hyps::cnn::ops
