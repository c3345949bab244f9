#include "common/cnn/ops/support/resize_mix.hpp"

#include <algorithm>
#include <cmath>

namespace hyps::cnn::ops {

namespace {

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

}  // namespace

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

}  // namespace hyps::cnn::ops
