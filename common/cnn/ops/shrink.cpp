// Shrink: x moved towards 0 by bias where |x| > lambd, else 0. Since opset 9.
#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(
      check_node(context, {1, 1}, {{"bias", AttributeKind::real}, {"lambd", AttributeKind::real}}));
  return like_first_input(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto bias = static_cast<double>(context.real("bias", 0));
  const auto lambd = static_cast<double>(context.real("lambd", 0.5F));
  return map_elements(*inputs[0], [=](float element) {
    const auto x = static_cast<double>(element);
    return static_cast<float>(x < -lambd ? x + bias : x > lambd ? x - bias : 0.0);
  });
}

}  // namespace

Operator shrink() {
  Operator op = unary_operator("Shrink", reference);
  op.infer = infer;
  op.opset_min = 9;
  return op;
}

}  // namespace hyps::cnn::ops
