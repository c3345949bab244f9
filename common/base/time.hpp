// Time as the cores see it: handed in, never asked for.
#pragma once

#include <chrono>
#include <cstdint>

namespace hyps {

using Milliseconds = std::chrono::milliseconds;

struct Now {
  Milliseconds steady{0};    // monotonic, from an arbitrary start: for timeouts
  std::int64_t unix_ms = 0;  // wall clock: for people and records only
};

}  // namespace hyps
