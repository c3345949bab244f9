// The window against simulated links.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "common/bus/window.hpp"

namespace hyps::bus {
namespace {

// Where the chunk settles on a link that carries so many bytes a millisecond, and whose sender
// keeps the window full.
std::size_t settled_chunk(std::size_t bytes_per_ms) {
  Window window;
  std::deque<std::pair<std::size_t, std::size_t>> sent;  // bytes, when
  std::size_t now_ms = 0;
  for (int i = 0; i < 2000; ++i) {
    while (window.has_room()) {
      sent.emplace_back(window.chunk_bytes(), now_ms);
      window.sent(window.chunk_bytes());
    }
    const auto [bytes, since_ms] = sent.front();
    sent.pop_front();
    now_ms += bytes / bytes_per_ms;
    window.acknowledged(bytes, Milliseconds(now_ms - since_ms));
  }
  return window.chunk_bytes();
}

TEST(Window, settles_at_large_chunks_on_loopback_and_at_small_ones_on_slow_links) {
  EXPECT_EQ(settled_chunk(500'000), Window::kMaxChunk);  // 4 Gbit/s
  EXPECT_LE(settled_chunk(12'500), 256U << 10U);         // 100 Mbit/s
  EXPECT_EQ(settled_chunk(100), Window::kMinChunk);      // 0.8 Mbit/s
}

}  // namespace
}  // namespace hyps::bus
