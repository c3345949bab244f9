// Softplus: log(1 + exp(x)), without overflow.
#include <algorithm>
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

}  // namespace

Operator softplus() { return unary_operator("Softplus", map_first<value_at>); }

}  // namespace hyps::cnn::ops
