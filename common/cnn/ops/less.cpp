// Less: a < b.
#include <functional>

#include "common/cnn/ops/support/compare.hpp"

namespace hyps::cnn::ops {

Operator less() { return compare_operator("Less", compare<std::less<>>, Comparable::numbers); }

}  // namespace hyps::cnn::ops
