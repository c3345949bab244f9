// Antialiased bilinear resize in integers: the same bits everywhere, and PIL's values (README.md).
#pragma once

#include <cstdint>
#include <vector>

namespace hyps::image {

struct Pixels {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> data;  // interleaved
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
Pixels resize(const Pixels& picture, const Axis& x, const Axis& y);

}  // namespace hyps::image
