#include "common/cnn/ops/support/signs.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}));
  return broadcast_inputs(context);
}

}  // namespace

Operator number_operator(std::string_view type, ReferenceForm reference, KernelForm kernel) {
  Operator op = unary_operator(type, reference, kernel);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
