// Softsign: x / (1 + |x|).
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return x / (1 + std::fabs(x)); }

}  // namespace

Operator softsign() { return unary_operator("Softsign", map_first<value_at>); }

}  // namespace hyps::cnn::ops
