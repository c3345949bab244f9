// Sign: -1, 0 or 1, of numbers of any type. Since opset 9. NaN stays NaN.
#include "common/cnn/ops/support/signs.hpp"

namespace hyps::cnn::ops {

namespace {

struct SignOf {
  double operator()(double x) const { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }
  std::int64_t operator()(std::int64_t x) const { return x > 0 ? 1 : x < 0 ? -1 : 0; }
};

}  // namespace

Operator sign() {
  Operator op = number_operator("Sign", map_numbers<SignOf>);
  op.opset_min = 9;
  return op;
}

}  // namespace hyps::cnn::ops
