// Arena: where in one allocation each activation lives, so that buffers whose lives do not overlap
// share memory. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace hyps::engine {

struct Lifetime {
  std::size_t bytes = 0;
  std::size_t first = 0;  // the step that writes it
  std::size_t last = 0;   // the last step that reads it, >= first
};

struct ArenaPlan {
  std::vector<std::size_t> offsets;  // as the lifetimes given; multiples of kArenaAlignment
  std::size_t bytes = 0;
};

inline constexpr std::size_t kArenaAlignment = 64;

// Largest first, each at the lowest offset free for its whole life.
ArenaPlan plan_arena(const std::vector<Lifetime>& lifetimes);

}  // namespace hyps::engine
