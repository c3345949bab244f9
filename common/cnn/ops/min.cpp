// Min: one or more inputs, broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct MinOf {
  double operator()(double a, double b) const { return b < a ? b : a; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return b < a ? b : a; }
};

}  // namespace

Operator min() {
  return variadic_operator("Min", fold_inputs<MinOf>,
                           binary_kernel<BinaryKernel::Function::minimum>);
}

}  // namespace hyps::cnn::ops
