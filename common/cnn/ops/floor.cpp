// Floor: the largest integer that is not above x.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::floor(x); }

}  // namespace

Operator floor() { return unary_operator("Floor", map_first<value_at>); }

}  // namespace hyps::cnn::ops
