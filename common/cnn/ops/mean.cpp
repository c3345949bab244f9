// Mean: the average of one or more inputs, broadcast as in numpy.
#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, kAny}));
  HYPS_CHECK(check_floats(context));
  return broadcast_inputs(context);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const BroadcastRows rows(shapes_of(inputs), context.outputs[0].shape);
  std::vector<float> y;
  y.reserve(static_cast<std::size_t>(output_elements(context)));
  rows.for_each([&](const std::vector<std::int64_t>& first) {
    for (std::int64_t k = 0; k < rows.length(); ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto at = static_cast<std::size_t>(first[i] + k * rows.step(i));
        sum += static_cast<double>(inputs[i]->f32()[at]);
      }
      y.push_back(static_cast<float>(sum / static_cast<double>(inputs.size())));
    }
  });
  return {Tensor::floats(context.outputs[0].shape, std::move(y))};
}

}  // namespace

Operator mean() {
  Operator op = variadic_operator("Mean", reference);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
