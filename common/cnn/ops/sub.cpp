// Sub: broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

struct SubOf {
  double operator()(double a, double b) const { return a - b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) - bits(b));
  }
};

}  // namespace

Operator sub() {
  return binary_operator("Sub", fold_inputs<SubOf>,
                         binary_kernel<BinaryKernel::Function::subtract>);
}

}  // namespace hyps::cnn::ops
