#include "common/cnn/ops/support/resize.hpp"

#include <algorithm>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/resize_mix.hpp"

namespace hyps::cnn::ops {

namespace {

using Mixes = std::vector<Mix>;

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

bool shrinks(const ResizeAxis& axis) { return axis.scale * (axis.crop_end - axis.crop_begin) < 1; }

// The axes that change, those that shrink first: the maps between are then no larger than the input
// or the output. (Every mix is linear, so any order is right.)
std::vector<std::size_t> order_of(const ResizePlan& plan) {
  std::vector<std::size_t> order;
  for (const bool shrinking : {true, false}) {
    for (std::size_t i = 0; i < plan.axes.size(); ++i) {
      const ResizeAxis& axis = plan.axes[i];
      if (shrinks(axis) == shrinking && !leaves_alone(plan, axis)) order.push_back(i);
    }
  }
  return order;
}

template <typename Number>
Tensor resize_in(const Tensor& x, const ResizePlan& plan) {
  std::vector<Number> values(x.f32().begin(), x.f32().end());
  Shape shape = x.shape;
  for (const std::size_t i : order_of(plan)) {
    const ResizeAxis& axis = plan.axes[i];
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
  Shape shape = context.shape(0);
  for (const std::size_t i : order_of(plan)) {
    shape[i] = plan.axes[i].output;
    flops = capped_sum(flops, capped_product({2 * taps, element_count(shape)}));
  }
  return flops;
}

}  // namespace hyps::cnn::ops
