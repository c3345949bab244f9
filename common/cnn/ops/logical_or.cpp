// Or: either of two bool tensors.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator logical_or() {
  return compare_operator("Or", compare<std::logical_or<>>, Comparable::booleans);
}

}  // namespace hyps::cnn::ops
