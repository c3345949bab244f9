// Xor: one of two bool tensors, not both.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator logical_xor() {
  return compare_operator("Xor", compare<std::not_equal_to<>>, Comparable::booleans);
}

}  // namespace hyps::cnn::ops
