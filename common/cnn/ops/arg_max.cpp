// ArgMax: where along one axis the largest is, as int64.
#include "common/cnn/ops/support/arg.hpp"

namespace hyps::cnn::ops {

namespace {

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return find_extremes(context, *inputs[0], [](float x, float best) { return x > best; });
}

}  // namespace

Operator arg_max() { return arg_operator("ArgMax", reference); }

}  // namespace hyps::cnn::ops
