// InstanceNormalization: each channel of each image by its own mean and variance, then scale and
// shift of the channel.
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {3, 3}, {{"epsilon", AttributeKind::real}}));
  HYPS_CHECK(check_rank(context, 0, 3, kMaxRank));
  HYPS_CHECK(check_shape(context, 1, "scale", {context.shape(0)[1]}));
  HYPS_CHECK(check_shape(context, 2, "bias", {context.shape(0)[1]}));
  return like_first_input(context);
}

void normalise(std::span<const float> x, double epsilon, double scale, double shift,
               std::vector<float>& y) {
  const auto n = static_cast<double>(x.size());
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value);
  const double mean = sum / n;
  double squares = 0;
  for (const float value : x) {
    const double distance = static_cast<double>(value) - mean;
    squares += distance * distance;
  }
  const double factor = scale / std::sqrt(squares / n + epsilon);
  for (const float value : x) {
    y.push_back(static_cast<float>((static_cast<double>(value) - mean) * factor + shift));
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Shape& shape = context.shape(0);
  const auto plane = static_cast<std::size_t>(extent_product(shape, 2, shape.size()));
  const auto epsilon = static_cast<double>(context.real("epsilon", 1e-5F));
  const auto x = inputs[0]->f32();
  std::vector<float> y;
  y.reserve(x.size());
  for (std::size_t begin = 0; begin < x.size(); begin += plane) {
    const std::size_t channel = begin / plane % static_cast<std::size_t>(shape[1]);
    normalise(x.subspan(begin, plane), epsilon, static_cast<double>(inputs[1]->f32()[channel]),
              static_cast<double>(inputs[2]->f32()[channel]), y);
  }
  return {Tensor::floats(shape, std::move(y))};
}

// Mean, distance, square and its sum, then scale and shift.
std::int64_t flops(const NodeContext& context) {
  return capped_product({6, output_elements(context)});
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  auto slice = slice_channels(context, axis, range);
  if (!slice || axis != 1) return slice;
  slice->inputs[1] = slice->inputs[2] = {0, range};
  return slice;
}

}  // namespace

Operator instance_normalization() {
  return {.type = "InstanceNormalization",
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
