// And: both of two bool tensors.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator logical_and() {
  return compare_operator("And", compare<std::logical_and<>>, Comparable::booleans);
}

}  // namespace hyps::cnn::ops
