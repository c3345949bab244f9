#include "common/image/resize.hpp"

#include <algorithm>

namespace hyps::image {
namespace {

constexpr int kBits = 22;  // of a coefficient; 255 * 2^22 fits an int32
constexpr std::int32_t kHalf = 1 << (kBits - 1);

// The source pixels that make one target pixel, with weights that sum to 2^kBits.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weights;
};

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

// Positions in units of 1 / (2 * target) source pixels are whole numbers: target pixel i is centred
// at (2i + 1) * source, source pixel x at (2x + 1) * target, and the triangle reaches
// 2 * max(source, target) to both sides.
Taps taps_of(const Axis& axis, std::int64_t i) {
  const std::int64_t reach = 2 * std::max(axis.source, axis.target);
  const std::int64_t centre = (2 * i + 1) * axis.source;
  const std::int64_t step = 2 * axis.target;
  const std::int64_t low = floor_divide(centre - reach - axis.target, step) + 1;
  const std::int64_t high = floor_divide(centre + reach - axis.target - 1, step);
  Taps taps;
  taps.first = std::max<std::int64_t>(low, 0);
  std::vector<std::int64_t> distances;
  std::int64_t sum = 0;
  for (std::int64_t x = taps.first; x <= std::min(high, axis.source - 1); ++x) {
    const std::int64_t offset = (2 * x + 1) * axis.target - centre;
    distances.push_back(reach - (offset < 0 ? -offset : offset));
    sum += distances.back();
  }
  for (const std::int64_t distance : distances) {
    taps.weights.push_back(static_cast<std::int32_t>(((distance << kBits) + sum / 2) / sum));
  }
  return taps;
}

std::vector<Taps> taps_of(const Axis& axis) {
  std::vector<Taps> all;
  for (std::int64_t i = 0; i < axis.count; ++i) all.push_back(taps_of(axis, axis.first + i));
  return all;
}

std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kBits, 0, 255));
}

void resize_row(const std::uint8_t* source, const std::vector<Taps>& columns, int channels,
                std::uint8_t* target) {
  for (const Taps& taps : columns) {
    for (int c = 0; c < channels; ++c) {
      std::int32_t sum = kHalf;
      const std::uint8_t* pixel = source + taps.first * channels + c;
      for (const std::int32_t weight : taps.weights) {
        sum += weight * *pixel;
        pixel += channels;
      }
      *target++ = rounded(sum);
    }
  }
}

}  // namespace

Pixels resize(const PixelView& picture, const Axis& x, const Axis& y) {
  const std::vector<Taps> columns = taps_of(x);
  const std::vector<Taps> rows = taps_of(y);
  const auto stride = static_cast<std::size_t>(x.count * picture.channels);
  std::vector<std::uint8_t> narrow(stride);
  std::vector<std::int32_t> sums(stride * rows.size(), kHalf);
  // Each source row is resized once and added to the target rows it reaches; both ends of the
  // reached range only grow.
  const auto end_of = [](const Taps& taps) {
    return taps.first + static_cast<std::int64_t>(taps.weights.size());
  };
  std::size_t begin = 0;
  for (std::int64_t source = rows.front().first; source < end_of(rows.back()); ++source) {
    resize_row(picture.data.data() + source * x.source * picture.channels, columns,
               picture.channels, narrow.data());
    while (begin < rows.size() && end_of(rows[begin]) <= source) ++begin;
    for (std::size_t row = begin; row < rows.size() && rows[row].first <= source; ++row) {
      const std::int32_t weight =
          rows[row].weights[static_cast<std::size_t>(source - rows[row].first)];
      std::int32_t* sum = sums.data() + row * stride;
      for (std::size_t k = 0; k < stride; ++k) sum[k] += weight * narrow[k];
    }
  }
  Pixels result{static_cast<int>(x.count), static_cast<int>(y.count), picture.channels, {}};
  result.data.resize(sums.size());
  std::transform(sums.begin(), sums.end(), result.data.begin(), rounded);
  return result;
}

}  // namespace hyps::image
