// Neg: -x, of numbers of any type.
#include "common/cnn/ops/support/signs.hpp"

namespace hyps::cnn::ops {

namespace {

struct Negation {
  double operator()(double x) const { return -x; }
  std::int64_t operator()(std::int64_t x) const { return negative(x); }
};

}  // namespace

Operator neg() { return number_operator("Neg", map_numbers<Negation>); }

}  // namespace hyps::cnn::ops
