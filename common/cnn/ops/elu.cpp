// Elu: x where positive, else alpha * (exp(x) - 1).
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"alpha", AttributeKind::real}}));
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto alpha = static_cast<double>(context.real("alpha", 1));
  return map_elements(*inputs[0], [=](float element) {
    const auto x = static_cast<double>(element);
    return static_cast<float>(x < 0 ? alpha * std::expm1(x) : x);
  });
}

}  // namespace

Operator elu() {
  Operator op = unary_operator("Elu", reference);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
