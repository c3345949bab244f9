#include "common/voting/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hyps::voting {

namespace {

// The bytes may stand anywhere in a received message: not aligned.
double element(const Blob& blob, std::size_t index) {
  float value = 0;
  std::memcpy(&value, blob.data() + index * sizeof(float), sizeof(float));
  return static_cast<double>(value);
}

Comparison unlike(std::string text) { return {false, 0, std::move(text)}; }

}  // namespace

Comparison compare(const Blob& a, const Blob& b, const Tolerance& tolerance) {
  if (a.size() != b.size()) {
    return unlike(fmt::format("{} bytes against {}", a.size(), b.size()));
  }
  if (a.size() % sizeof(float) != 0) return unlike("they are no float32 tensors");
  const std::size_t count = a.size() / sizeof(float);
  Comparison result{true, 0, {}};
  std::size_t worst = 0;
  std::size_t beyond = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = element(a, i);
    const double y = element(b, i);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      return unlike(fmt::format("element {} of {} is {} against {}", i, count, x, y));
    }
    const double difference = std::abs(x - y);
    const double allowed = tolerance.atol + tolerance.rtol * std::max(std::abs(x), std::abs(y));
    // Written so that a tolerance that is no number allows nothing.
    if (!(difference <= allowed)) ++beyond;
    if (difference <= result.largest) continue;
    result.largest = difference;
    worst = i;
  }
  result.agree = beyond == 0;
  if (result.largest == 0) {
    result.text = "no difference";
    return result;
  }
  result.text = fmt::format("largest difference {:.3g} at element {} of {} ({:.9g} against {:.9g})",
                            result.largest, worst, count, element(a, worst), element(b, worst));
  if (beyond > 0) result.text += fmt::format(", {} beyond the tolerance", beyond);
  return result;
}

}  // namespace hyps::voting
