#include "common/onnx/widen.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace hyps::onnx {

namespace {

constexpr std::uint32_t kFractionBits = 10;
constexpr std::uint32_t kFraction = (1U << kFractionBits) - 1;
constexpr std::uint32_t kExponent = 0x1f;
constexpr int kBias = 15;

float from_float16(std::uint16_t bits) {
  const std::uint32_t exponent = (bits >> kFractionBits) & kExponent;
  const auto fraction = static_cast<float>(bits & kFraction) / (kFraction + 1);
  float size = 0;
  if (exponent == kExponent) {
    size = fraction == 0 ? std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {  // too small for a leading one
    size = std::ldexp(fraction, 1 - kBias);
  } else {
    size = std::ldexp(1 + fraction, static_cast<int>(exponent) - kBias);
  }
  return std::copysign(size, (bits & 0x8000U) != 0 ? -1.0F : 1.0F);
}

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

template <typename Convert>
std::vector<float> widen(std::span<const std::byte> values, Convert convert) {
  std::vector<float> wide(values.size() / sizeof(std::uint16_t));
  for (std::size_t i = 0; i < wide.size(); ++i) {
    std::uint16_t bits = 0;  // the bytes need not be aligned
    std::memcpy(&bits, values.data() + i * sizeof(bits), sizeof(bits));
    wide[i] = convert(bits);
  }
  return wide;
}

}  // namespace

std::vector<float> widen_float16(std::span<const std::byte> values) {
  return widen(values, from_float16);
}

std::vector<float> widen_bfloat16(std::span<const std::byte> values) {
  return widen(values, from_bfloat16);
}

}  // namespace hyps::onnx
