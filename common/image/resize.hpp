// Antialiased bilinear resize in integers: the same bits everywhere, and PIL's values (README.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hyps::image {

struct Pixels {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> data;  // interleaved
};

// The same, owned by somebody else.
struct PixelView {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::span<const std::uint8_t> data;

  PixelView(int w, int h, int c, std::span<const std::uint8_t> bytes)
      : width(w), height(h), channels(c), data(bytes) {}
  PixelView(const Pixels& pixels)  // NOLINT: implicit
      : PixelView(pixels.width, pixels.height, pixels.channels, pixels.data) {}
};

// One direction of a resize: `source` pixels become `target`, of which only `count` from `first` on
// are wanted.
struct Axis {
  std::int64_t source = 1;
  std::int64_t target = 1;
  std::int64_t first = 0;
  std::int64_t count = 1;
};

// REQUIRES: x.source and y.source are the picture's sides; first + count <= target < 2^31.
Pixels resize(const PixelView& picture, const Axis& x, const Axis& y);

}  // namespace hyps::image
