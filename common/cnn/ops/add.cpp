// Add: broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct AddOf {
  double operator()(double a, double b) const { return a + b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) + bits(b));
  }
};

}  // namespace

Operator add() {
  return binary_operator("Add", fold_inputs<AddOf>, binary_kernel<BinaryKernel::Function::add>);
}

}  // namespace hyps::cnn::ops
