// Abs: the magnitude, of numbers of any type.
#include <cmath>

#include "common/cnn/ops/support/signs.hpp"

namespace hyps::cnn::ops {

namespace {

struct Magnitude {
  double operator()(double x) const { return std::fabs(x); }
  std::int64_t operator()(std::int64_t x) const { return x < 0 ? negative(x) : x; }
};

Kernel kernel(const NodeContext& context) {
  if (context.inputs[0].type != DType::f32) return ReferenceKernel{};
  return UnaryKernel{UnaryKernel::Function::abs, 0, 0};
}

}  // namespace

Operator abs() { return number_operator("Abs", map_numbers<Magnitude>, kernel); }

}  // namespace hyps::cnn::ops
