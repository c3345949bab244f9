// LpPool: the p-norm of each window; 1 to 3 spatial axes, ceil_mode and dilations (opset 18).
#include <algorithm>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/pooling.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::int64_t kMostPower = 64;

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {1, 1},
                        {{"auto_pad", text},
                         {"ceil_mode", integer},
                         {"dilations", integers},
                         {"kernel_shape", integers},
                         {"p", integer},
                         {"pads", integers},
                         {"strides", integers}}));
  const std::int64_t p = context.integer("p", 2);
  if (p < 1 || p > kMostPower) {
    return context.error("p is " + std::to_string(p) + ", allowed are 1 to " +
                         std::to_string(kMostPower));
  }
  return infer_pool(context);
}

// The root of the sum of powers; of parts of the largest, whose powers cannot overflow.
template <typename Visit>
double norm_of(double p, const Visit& for_each) {
  double largest = 0;
  for_each([&](double x) { largest = std::max(largest, x); });
  if (largest == 0 || !std::isfinite(largest)) return largest;
  double sum = 0;
  for_each([&](double x) { sum += std::pow(x / largest, p); });
  return largest * std::pow(sum, 1 / p);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const WindowVolume axes = volume_of(pool_axes(context));
  const auto p = static_cast<double>(context.integer("p", 2));
  const auto norm = [&](std::span<const float> plane, const TapVolume& taps) {
    const auto for_each = [&](const auto& visit) {
      for_each_tap(axes, taps, [&](std::int64_t at, std::int64_t /*tap*/) {
        visit(std::fabs(static_cast<double>(plane[static_cast<std::size_t>(at)])));
      });
    };
    if (p > 2) return static_cast<float>(norm_of(p, for_each));
    double sum = 0;
    for_each([&](double x) { sum += p == 2 ? x * x : x; });
    return static_cast<float>(p == 2 ? std::sqrt(sum) : sum);
  };
  return pool_planes(context, *inputs[0], axes, norm);
}

// A power of more than two costs as much as some fifty multiplications.
std::int64_t flops(const NodeContext& context) {
  return capped_product({pool_flops(context), context.integer("p", 2) > 2 ? 50 : 1});
}

}  // namespace

Operator lp_pool() {
  return {.type = "LpPool",
          .role = LayerRole::starts,
          .pooling = true,
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_channels,
          .tile = tile_pool};
}

}  // namespace hyps::cnn::ops
