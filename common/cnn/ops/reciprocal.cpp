// Reciprocal: 1 / x.
#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return 1 / x; }

}  // namespace

Operator reciprocal() { return unary_operator("Reciprocal", map_first<value_at>); }

}  // namespace hyps::cnn::ops
