// HardSigmoid: alpha * x + beta, kept within 0 and 1.
#include <algorithm>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(
      check_node(context, {1, 1}, {{"alpha", AttributeKind::real}, {"beta", AttributeKind::real}}));
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto alpha = static_cast<double>(context.real("alpha", 0.2F));
  const auto beta = static_cast<double>(context.real("beta", 0.5F));
  return map_elements(*inputs[0], [=](float element) {
    const auto x = static_cast<double>(element);
    return static_cast<float>(std::max(0.0, std::min(1.0, alpha * x + beta)));
  });
}

}  // namespace

Operator hard_sigmoid() {
  Operator op = unary_operator("HardSigmoid", reference);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
