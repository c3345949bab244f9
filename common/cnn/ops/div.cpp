// Div: broadcast as in numpy. Integers are cut towards zero; by zero gives 0.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct DivOf {
  double operator()(double a, double b) const { return a / b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    if (b == 0) return 0;
    return b == -1 ? wrapped(0 - bits(a)) : a / b;
  }
};

}  // namespace

Operator div() {
  return binary_operator("Div", fold_inputs<DivOf>, binary_kernel<BinaryKernel::Function::divide>);
}

}  // namespace hyps::cnn::ops
