// Equal: a == b.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator equal() {
  return compare_operator("Equal", compare<std::equal_to<>>, Comparable::anything);
}

}  // namespace hyps::cnn::ops
