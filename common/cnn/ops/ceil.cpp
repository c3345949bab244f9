// Ceil: the smallest integer that is not below x.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::ceil(x); }

}  // namespace

Operator ceil() { return unary_operator("Ceil", map_first<value_at>); }

}  // namespace hyps::cnn::ops
