// Mul: broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct MulOf {
  double operator()(double a, double b) const { return a * b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) * bits(b));
  }
};

}  // namespace

Operator mul() {
  return binary_operator("Mul", fold_inputs<MulOf>,
                         binary_kernel<BinaryKernel::Function::multiply>);
}

}  // namespace hyps::cnn::ops
