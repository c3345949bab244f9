#include "common/cnn/ops/support/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"

namespace hyps::cnn::ops {

namespace {

// What one output of one axis is mixed from.
struct Mix {
  std::array<std::int64_t, 4> from{};
  std::array<double, 4> weights{};
  std::size_t count = 1;
  bool outside = false;  // of what tf_crop_and_resize may look at
};
using Mixes = std::vector<Mix>;

double half_pixel(const ResizeAxis& axis, double at) { return (at + 0.5) / axis.scale - 0.5; }

double position_of(const ResizePlan& plan, const ResizeAxis& axis, std::int64_t output) {
  const auto at = static_cast<double>(output);
  const auto last = static_cast<double>(axis.input - 1);
  const double length = axis.scale * static_cast<double>(axis.input);  // of the output, not rounded
  switch (plan.coordinates) {
    case Coordinates::half_pixel:
      return half_pixel(axis, at);
    case Coordinates::pytorch_half_pixel:
      return axis.output > 1 ? half_pixel(axis, at) : 0;
    case Coordinates::half_pixel_symmetric: {
      const double adjustment = static_cast<double>(axis.output) / length;
      const double centre = static_cast<double>(axis.input) / 2;
      return centre * (1 - adjustment) + half_pixel(axis, at);
    }
    case Coordinates::align_corners:
      return axis.output > 1 && length > 1 ? at * last / (length - 1) : 0;
    case Coordinates::asymmetric:
      return at / axis.scale;
    case Coordinates::tf_half_pixel_for_nn:
      return (at + 0.5) / axis.scale;
    case Coordinates::tf_crop_and_resize: {
      const double span = axis.crop_end - axis.crop_begin;
      if (axis.output <= 1) return (axis.crop_begin + axis.crop_end) / 2 * last;
      return axis.crop_begin * last + at * span * last / static_cast<double>(axis.output - 1);
    }
  }
  return at;
}

double rounded(Nearest nearest, double at) {
  const double below = std::floor(at);
  switch (nearest) {
    case Nearest::round_prefer_floor:
      return at - below > 0.5 ? below + 1 : below;
    case Nearest::round_prefer_ceil:
      return at - below >= 0.5 ? below + 1 : below;
    case Nearest::floor:
      return below;
    case Nearest::ceil:
      return std::ceil(at);
  }
  return below;
}

// Keys' cubic, for the neighbours at -1, 0, 1 and 2 of a point `r` behind neighbour 0.
std::array<double, 4> cubic_weights(double a, double r) {
  const double s = 1 - r;
  const auto near = [a](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [a](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  return {far(1 + r), near(r), near(s), far(1 + s)};
}

void mix_neighbours(const ResizePlan& plan, const ResizeAxis& axis, double at, Mix& mix) {
  const double below = std::floor(at);
  const double r = at - below;
  const bool cubic = plan.mode == Resampling::cubic;
  mix.count = cubic ? 4 : 2;
  mix.weights = cubic ? cubic_weights(plan.cubic_a, r) : std::array<double, 4>{1 - r, r, 0, 0};
  const auto first = static_cast<std::int64_t>(below) - (cubic ? 1 : 0);
  double sum = 0;
  for (std::size_t i = 0; i < mix.count; ++i) {
    const std::int64_t from = first + static_cast<std::int64_t>(i);
    mix.from[i] = std::clamp<std::int64_t>(from, 0, axis.input - 1);
    if (plan.exclude_outside && from != mix.from[i]) mix.weights[i] = 0;
    sum += mix.weights[i];
  }
  if (!plan.exclude_outside || sum == 0) return;
  for (double& weight : mix.weights) weight /= sum;
}

Mix mix_of(const ResizePlan& plan, const ResizeAxis& axis, std::int64_t output) {
  const auto last = static_cast<double>(axis.input - 1);
  double at = position_of(plan, axis, output);
  Mix mix;
  if (plan.coordinates == Coordinates::tf_crop_and_resize) mix.outside = !(at >= 0 && at <= last);
  // Beyond a few neighbours of the map all positions are alike; and indices must exist.
  at = std::isnan(at) ? 0 : std::clamp(at, -4.0, last + 4.0);
  if (plan.mode == Resampling::nearest) {
    mix.from[0] = static_cast<std::int64_t>(std::clamp(rounded(plan.nearest, at), 0.0, last));
    mix.weights[0] = 1;
  } else {
    mix_neighbours(plan, axis, at, mix);
  }
  return mix;
}

// Outputs [begin, end) of an axis.
Mixes mixes_of(const ResizePlan& plan, const ResizeAxis& axis, std::int64_t begin,
               std::int64_t end) {
  Mixes mixes;
  for (std::int64_t i = begin; i < end; ++i) mixes.push_back(mix_of(plan, axis, i));
  return mixes;
}

template <typename Number>
Number mixed(const Mix& mix, const Number* from, std::int64_t step) {
  double sum = 0;
  for (std::size_t k = 0; k < mix.count; ++k) {
    sum += mix.weights[k] * static_cast<double>(from[mix.from[k] * step]);
  }
  return static_cast<Number>(sum);
}

// Resamples one axis of [outer, axis, inner].
template <typename Number>
std::vector<Number> resample(const std::vector<Number>& x, const ResizePlan& plan,
                             std::int64_t outer, const ResizeAxis& axis, std::int64_t inner) {
  constexpr std::int64_t block = 4096;  // of the table, which must not outgrow the map
  std::vector<Number> y(static_cast<std::size_t>(outer * axis.output * inner));
  for (std::int64_t begin = 0; begin < axis.output; begin += block) {
    const Mixes mixes = mixes_of(plan, axis, begin, std::min(begin + block, axis.output));
    for (std::int64_t o = 0; o < outer; ++o) {
      const Number* plane = x.data() + o * axis.input * inner;
      Number* to = y.data() + (o * axis.output + begin) * inner;
      for (const Mix& mix : mixes) {
        for (std::int64_t i = 0; i < inner; ++i) {
          *to++ =
              mix.outside ? static_cast<Number>(plan.extrapolation) : mixed(mix, plane + i, inner);
        }
      }
    }
  }
  return y;
}

// One axis after another: the order does not matter as every mix is linear.
template <typename Number>
Tensor resize_in(const Tensor& x, const ResizePlan& plan) {
  std::vector<Number> values(x.f32().begin(), x.f32().end());
  Shape shape = x.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const ResizeAxis& axis = plan.axes[i];
    if (leaves_alone(plan, axis)) continue;
    values = resample<Number>(values, plan, extent_product(shape, 0, i), axis,
                              extent_product(shape, i + 1, shape.size()));
    shape[i] = axis.output;
  }
  if constexpr (std::is_same_v<Number, float>) {
    return Tensor::floats(std::move(shape), std::move(values));
  } else {
    std::vector<float> y;
    y.reserve(values.size());
    for (const Number value : values) y.push_back(static_cast<float>(value));
    return Tensor::floats(std::move(shape), std::move(y));
  }
}

}  // namespace

bool leaves_alone(const ResizePlan& plan, const ResizeAxis& axis) {
  if (axis.input != axis.output || axis.scale != 1) return false;
  switch (plan.coordinates) {
    case Coordinates::tf_crop_and_resize:
      return axis.crop_begin == 0 && axis.crop_end == 1;
    case Coordinates::tf_half_pixel_for_nn:
      return plan.mode == Resampling::nearest &&
             (plan.nearest == Nearest::floor || plan.nearest == Nearest::round_prefer_floor);
    default:
      return true;
  }
}

Tensor resize(const Tensor& x, const ResizePlan& plan) {
  // Nearest only moves elements, so nothing is gained by more digits.
  return plan.mode == Resampling::nearest ? resize_in<float>(x, plan) : resize_in<double>(x, plan);
}

std::int64_t resize_flops(const NodeContext& context, const ResizePlan& plan) {
  const std::int64_t taps = plan.mode == Resampling::cubic    ? 4
                            : plan.mode == Resampling::linear ? 2
                                                              : 0;
  std::int64_t flops = 0;
  for (const ResizeAxis& axis : plan.axes) {
    if (!leaves_alone(plan, axis)) {
      flops = capped_sum(flops, capped_product({2 * taps, output_elements(context)}));
    }
  }
  return flops;
}

}  // namespace hyps::cnn::ops
