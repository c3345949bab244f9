// Not: the opposite of a bool tensor.
#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  if (context.inputs[0].type != DType::boolean) return context.error("its input is not bool");
  return one_output(context, DType::boolean, context.shape(0));
}

std::vector<Tensor> reference(const NodeContext& /*context*/,
                              const std::vector<const Tensor*>& inputs) {
  std::vector<std::uint8_t> y;
  for (const std::uint8_t x : inputs[0]->values<std::uint8_t>()) y.push_back(x == 0 ? 1 : 0);
  return {Tensor{DType::boolean, inputs[0]->shape, Blob::of(std::move(y))}};
}

}  // namespace

Operator logical_not() {
  Operator op = unary_operator("Not", reference);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
