// Greater: a > b.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator greater() {
  return compare_operator("Greater", compare<std::greater<>>, Comparable::numbers);
}

}  // namespace hyps::cnn::ops
