// ThresholdedRelu: x where above alpha, else 0. Since opset 10.
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
    return static_cast<float>(x > alpha ? x : 0.0);
  });
}

}  // namespace

Operator thresholded_relu() {
  Operator op = unary_operator("ThresholdedRelu", reference);
  op.infer = infer;
  op.opset_min = 10;
  return op;
}

}  // namespace hyps::cnn::ops
