#include "common/engine/onednn/pieces.hpp"

#include <algorithm>
#include <bit>

namespace hyps::engine {
namespace {

constexpr std::int64_t kMaxPieces = 8;
// A piece should take some ten microseconds, or handing it to another thread costs more than it
// saves.
constexpr double kMinFlops = 1e6;
constexpr std::int64_t kCachedBytes = 1 << 20;

std::int64_t pieces_for(std::int64_t length, double flops) {
  const auto worthwhile = static_cast<std::int64_t>(std::min(flops / kMinFlops, 1e6));
  const auto wide = length / 32;                               // of 32 channels and more
  const auto narrow = std::min<std::int64_t>(4, length / 16);  // four pieces may have 16
  const auto most = std::min({std::max(wide, narrow), worthwhile, kMaxPieces});
  // A power of two: 3 or 5 pieces keep two threads no less busy than 4 or 6, but for longer.
  return static_cast<std::int64_t>(
      std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(most, 1))));
}

std::vector<cnn::Range> ranges_of(std::int64_t length, std::int64_t unit, std::int64_t pieces) {
  const auto units = (length + unit - 1) / unit;
  std::vector<cnn::Range> ranges;
  for (std::int64_t i = 0; i < pieces; ++i) {
    const auto begin = units * i / pieces * unit;
    const auto end = std::min(units * (i + 1) / pieces * unit, length);
    ranges.push_back({begin, end});
  }
  return ranges;
}

}  // namespace

std::vector<cnn::Range> split(std::int64_t length, std::int64_t unit, double flops) {
  const auto units = (length + unit - 1) / unit;
  return ranges_of(length, unit, std::min(pieces_for(length, flops), units));
}

std::vector<cnn::Range> split_weights(std::int64_t length, std::int64_t unit, std::int64_t bytes) {
  const auto units = (length + unit - 1) / unit;
  const auto units_cached = std::max<std::int64_t>(kCachedBytes / (unit * bytes), 1);
  return ranges_of(length, unit, (units + units_cached - 1) / units_cached);
}

}  // namespace hyps::engine
