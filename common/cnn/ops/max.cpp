// Max: one or more inputs, broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct MaxOf {
  double operator()(double a, double b) const { return a < b ? b : a; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a < b ? b : a; }
};

}  // namespace

Operator max() {
  return variadic_operator("Max", fold_inputs<MaxOf>,
                           binary_kernel<BinaryKernel::Function::maximum>);
}

}  // namespace hyps::cnn::ops
