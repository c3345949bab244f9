// Softmax. Before opset 13 the input is flattened to two axes at `axis` and the whole second one is
// normalised; since 13 only `axis` is.
#include <algorithm>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

bool flattens(const NodeContext& context) { return context.opset < 13; }

Result<std::size_t> axis_of(const NodeContext& context) {
  return normal_axis(context, context.integer("axis", flattens(context) ? 1 : -1),
                     context.shape(0).size());
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"axis", AttributeKind::integer}}));
  HYPS_CHECK(axis_of(context));
  return like_first_input(context);
}

SoftmaxKernel extents_of(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  const std::size_t axis = axis_of(context).value();
  const std::size_t end = flattens(context) ? shape.size() : axis + 1;
  return {extent_product(shape, 0, axis), extent_product(shape, axis, end),
          extent_product(shape, end, shape.size())};
}

// `length` elements, `step` apart.
void normalise(const float* x, float* y, std::int64_t length, std::int64_t step) {
  double largest = static_cast<double>(x[0]);
  for (std::int64_t i = 1; i < length; ++i) {
    largest = std::max(largest, static_cast<double>(x[i * step]));
  }
  double sum = 0;
  for (std::int64_t i = 0; i < length; ++i) {
    sum += std::exp(static_cast<double>(x[i * step]) - largest);
  }
  for (std::int64_t i = 0; i < length; ++i) {
    const double power = std::exp(static_cast<double>(x[i * step]) - largest);
    y[i * step] = static_cast<float>(power / sum);
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const auto [outer, length, inner] = extents_of(context);
  std::vector<float> y(inputs[0]->f32().size());
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      const std::int64_t first = o * length * inner + i;
      normalise(inputs[0]->f32().data() + first, y.data() + first, length, inner);
    }
  }
  return {Tensor::floats(inputs[0]->shape, std::move(y))};
}

// Maximum, difference, power, sum, quotient.
std::int64_t flops(const NodeContext& context) {
  return capped_product({5, output_elements(context)});
}

Kernel kernel(const NodeContext& context) { return extents_of(context); }

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  const auto own = static_cast<int>(axis_of(context).value());
  const bool normalised = axis == own || (flattens(context) && axis > own);
  if (normalised) return std::nullopt;
  return slice_first_input(context, axis, range);
}

}  // namespace

Operator softmax() {
  return {.type = "Softmax",
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice};
}

}  // namespace hyps::cnn::ops
