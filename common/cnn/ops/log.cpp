// Log: the natural logarithm. (oneDNN's is off by 2e-5 near 1, so it is no kernel.)
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

double value_at(double x) { return std::log(x); }

}  // namespace

Operator log() { return unary_operator("Log", map_first<value_at>); }

}  // namespace hyps::cnn::ops
