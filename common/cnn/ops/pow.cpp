// Pow: a to the power of b, broadcast as in numpy. Since opset 12 the exponent may be of another
// type; the result has the base's.
#include <algorithm>
#include <cmath>

#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

namespace {

bool is_number(DType type) { return type != DType::boolean && type != DType::u8; }

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  const DType base = context.inputs[0].type;
  if (!is_number(base) || !is_number(context.inputs[1].type)) {
    return unsupported(context, "only float32, int32 and int64 are supported");
  }
  HYPS_TRY(Shape shape, broadcast_shape(context));
  if (base == DType::f32) return one_map(context, std::move(shape));
  return one_output(context, base, std::move(shape));
}

double element(const Tensor& tensor, std::int64_t at) {
  const auto i = static_cast<std::size_t>(at);
  if (tensor.type == DType::f32) return static_cast<double>(tensor.f32()[i]);
  if (tensor.type == DType::i64) return static_cast<double>(tensor.i64()[i]);
  return static_cast<double>(tensor.values<std::int32_t>()[i]);
}

// Integers stop at the ends of their type.
template <typename Element>
Element narrowed(double x) {
  if constexpr (std::is_same_v<Element, float>) return static_cast<float>(x);
  using Limits = std::numeric_limits<Element>;
  if (std::isnan(x)) return 0;
  if (x >= static_cast<double>(Limits::max())) return Limits::max();
  if (x <= static_cast<double>(Limits::min())) return Limits::min();
  return static_cast<Element>(x);
}

template <typename Element>
Tensor powers(const std::vector<const Tensor*>& inputs, const Value& output) {
  const BroadcastRows rows(shapes_of(inputs), output.shape);
  std::vector<Element> y;
  y.reserve(static_cast<std::size_t>(element_count(output.shape)));
  rows.for_each([&](const std::vector<std::int64_t>& first) {
    for (std::int64_t k = 0; k < rows.length(); ++k) {
      const double base = element(*inputs[0], first[0] + k * rows.step(0));
      const double exponent = element(*inputs[1], first[1] + k * rows.step(1));
      y.push_back(narrowed<Element>(exponent == 2 ? base * base : std::pow(base, exponent)));
    }
  });
  return {output.type, output.shape, Blob::of(std::move(y))};
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Value& output = context.outputs[0];
  if (output.type == DType::f32) return {powers<float>(inputs, output)};
  if (output.type == DType::i64) return {powers<std::int64_t>(inputs, output)};
  return {powers<std::int32_t>(inputs, output)};
}

}  // namespace

Operator pow() {
  Operator op = binary_operator("Pow", reference);
  op.infer = infer;
  return op;
}

}  // namespace hyps::cnn::ops
