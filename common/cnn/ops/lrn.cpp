// LRN: local response normalisation across channels.
#include <algorithm>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

LrnKernel settings_of(const NodeContext& context) {
  return {context.integer("size", 0), context.real("alpha", 1e-4F), context.real("beta", 0.75F),
          context.real("bias", 1)};
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {1, 1},
                        {{"alpha", real}, {"beta", real}, {"bias", real}, {"size", integer}}));
  HYPS_CHECK(check_rank(context, 0, 2, kMaxRank));
  const std::int64_t size = settings_of(context).size;
  if (size < 1 || size > kMaxTensorBytes) {
    return context.error("size is " + std::to_string(size) + ", it must be at least 1");
  }
  return like_first_input(context);
}

// Channels [first, last] whose squares count for one channel.
struct Neighbours {
  std::int64_t first;
  std::int64_t last;
};

Neighbours neighbours_of(std::int64_t channel, std::int64_t channels, std::int64_t size) {
  return {std::max<std::int64_t>(channel - (size - 1) / 2, 0),
          std::min(channel + size / 2, channels - 1)};
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const LrnKernel settings = settings_of(context);
  const Shape& shape = context.shape(0);
  const std::int64_t plane = extent_product(shape, 2, shape.size());
  const auto x = inputs[0]->f32();
  std::vector<float> y;
  y.reserve(x.size());
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(x.size()); ++i) {
    const std::int64_t channel = i / plane % shape[1];
    const auto [first, last] = neighbours_of(channel, shape[1], settings.size);
    double squares = 0;
    for (std::int64_t c = first; c <= last; ++c) {
      const auto value =
          static_cast<double>(x[static_cast<std::size_t>(i + (c - channel) * plane)]);
      squares += value * value;
    }
    const double base =
        static_cast<double>(settings.bias) +
        static_cast<double>(settings.alpha) / static_cast<double>(settings.size) * squares;
    const double power = std::pow(base, static_cast<double>(settings.beta));
    y.push_back(static_cast<float>(static_cast<double>(x[static_cast<std::size_t>(i)]) / power));
  }
  return {Tensor::floats(shape, std::move(y))};
}

// Squares and their sum, then scale, bias, power and quotient.
std::int64_t flops(const NodeContext& context) {
  const std::int64_t summed = std::min(settings_of(context).size, context.shape(0)[1]);
  return capped_product({2 * summed + 4, output_elements(context)});
}

// Where an even window has its middle differs between libraries.
Kernel kernel(const NodeContext& context) {
  const LrnKernel settings = settings_of(context);
  if (settings.size % 2 == 0) return ReferenceKernel{};
  return settings;
}

}  // namespace

Operator lrn() {
  return {.type = "LRN",
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
