// Selu: gamma * Elu(x), with the constants that keep mean and variance.
#include <cmath>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1},
                        {{"alpha", AttributeKind::real}, {"gamma", AttributeKind::real}}));
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto alpha = static_cast<double>(context.real("alpha", 1.67326319217681884765625F));
  const auto gamma = static_cast<double>(context.real("gamma", 1.05070102214813232421875F));
  return map_elements(*inputs[0], [=](float element) {
    const auto x = static_cast<double>(element);
    return static_cast<float>(gamma * (x < 0 ? alpha * std::expm1(x) : x));
  });
}

}  // namespace

Operator selu() {
  Operator op = unary_operator("Selu", reference);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
