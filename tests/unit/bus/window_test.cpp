#include "common/bus/window.hpp"

#include <gtest/gtest.h>

namespace hyps::bus {
namespace {

constexpr std::size_t kHead = 150;  // of a frame around its chunk

// Sends as long as there is room; returns how many chunks.
std::size_t fill(Window& window) {
  std::size_t chunks = 0;
  for (; window.has_room() && chunks < 100; ++chunks) window.sent(window.chunk_bytes() + kHead);
  return chunks;
}

TEST(Window, so_many_chunks_are_under_way_although_frames_are_larger_than_chunks) {
  Window window;
  EXPECT_EQ(fill(window), Window::kChunks);
  window.acknowledged(window.chunk_bytes() + kHead, Milliseconds(100));
  EXPECT_EQ(fill(window), 1U);
}

TEST(Window, grows_while_acknowledgements_are_fast_up_to_its_maximum) {
  Window window;
  EXPECT_EQ(window.chunk_bytes(), Window::kMinChunk);
  for (std::size_t expected = Window::kMinChunk; expected < Window::kMaxChunk;) {
    expected *= 2;
    window.sent(window.chunk_bytes());
    window.acknowledged(window.chunk_bytes(), Milliseconds(1));
    EXPECT_EQ(window.chunk_bytes(), expected);
  }
  window.acknowledged(window.chunk_bytes(), Milliseconds(1));
  EXPECT_EQ(window.chunk_bytes(), Window::kMaxChunk);
}

TEST(Window, shrinks_when_they_are_slow_down_to_its_minimum) {
  Window window;
  while (window.chunk_bytes() < Window::kMaxChunk) {
    window.acknowledged(window.chunk_bytes(), Milliseconds(0));
  }
  for (int i = 0; i < 10; ++i) window.acknowledged(1, Milliseconds(301));
  EXPECT_EQ(window.chunk_bytes(), Window::kMinChunk);
}

TEST(Window, is_not_changed_by_times_between_nor_by_a_short_last_chunk) {
  Window window;
  window.acknowledged(Window::kMinChunk, Milliseconds(100));
  window.acknowledged(10, Milliseconds(1));
  EXPECT_EQ(window.chunk_bytes(), Window::kMinChunk);
}

TEST(Window, that_shrank_waits_until_less_is_under_way) {
  Window window;
  while (window.chunk_bytes() < Window::kMaxChunk) {
    window.acknowledged(window.chunk_bytes(), Milliseconds(0));
  }
  EXPECT_EQ(fill(window), Window::kChunks);
  window.acknowledged(Window::kMaxChunk + kHead, Milliseconds(500));
  for (std::size_t i = 0; i < Window::kChunks / 2; ++i) {
    EXPECT_FALSE(window.has_room());
    window.acknowledged(Window::kMaxChunk + kHead, Milliseconds(100));
  }
  EXPECT_TRUE(window.has_room());
}

TEST(Window, never_counts_below_nothing) {
  Window window;
  window.sent(10);
  window.acknowledged(1'000'000, Milliseconds(100));
  EXPECT_EQ(fill(window), Window::kChunks);
}

TEST(Window, begins_anew_with_a_new_connection) {
  Window window;
  window.acknowledged(Window::kMinChunk, Milliseconds(0));
  fill(window);
  window.reset();
  EXPECT_EQ(window.chunk_bytes(), Window::kMinChunk);
  EXPECT_EQ(fill(window), Window::kChunks);
}

}  // namespace
}  // namespace hyps::bus
