// Window: how large a chunk may be and how many may be unacknowledged. Pure; not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/base/time.hpp"

namespace hyps::bus {

class Window {
 public:
  static constexpr std::size_t kMinChunk = 32U << 10U;
  static constexpr std::size_t kMaxChunk = 256U << 10U;
  static constexpr std::size_t kChunks = 8;
  static constexpr Milliseconds kFast{20};
  static constexpr Milliseconds kSlow{300};

  [[nodiscard]] std::size_t chunk_bytes() const { return chunk_; }
  // Half a chunk of tolerance, because a frame is a little larger than the chunk it carries.
  [[nodiscard]] bool has_room() const { return outstanding_ + chunk_ / 2 < kChunks * chunk_; }

  void sent(std::size_t bytes) { outstanding_ += bytes; }
  // A chunk was acknowledged that long after it was sent.
  void acknowledged(std::size_t bytes, Milliseconds latency) {
    outstanding_ -= std::min(bytes, outstanding_);
    // A short last chunk says nothing about the link.
    if (latency < kFast && bytes >= chunk_) chunk_ = std::min(chunk_ * 2, kMaxChunk);
    if (latency > kSlow) chunk_ = std::max(chunk_ / 2, kMinChunk);
  }
  void reset() { *this = Window(); }

 private:
  std::size_t chunk_ = kMinChunk;
  std::size_t outstanding_ = 0;
};

}  // namespace hyps::bus
