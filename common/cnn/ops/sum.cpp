// Sum: one or more inputs, broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct SumOf {
  double operator()(double a, double b) const { return a + b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) + bits(b));
  }
};

}  // namespace

Operator sum() {
  return variadic_operator("Sum", fold_inputs<SumOf>, binary_kernel<BinaryKernel::Function::add>);
}

}  // namespace hyps::cnn::ops
