// LinkRate: how many bytes a second a link carries, judged by the most that went through it in a
// short time. Pure; not thread-safe. README.md says why the most.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace hyps::bus {

class LinkRate {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr Time kLeastTime = std::chrono::milliseconds(2);
  static constexpr Time kMostTime = std::chrono::seconds(1);  // of a sample
  static constexpr std::uint64_t kLeastBytes = 64U << 10U;    // likewise
  // What was seen longer ago than twice so many samples and so much time is forgotten.
  static constexpr int kSamples = 8;
  static constexpr Time kTerm = std::chrono::seconds(2);

  // Of a new connection, whose count begins anew; what is known stays.
  void begin() { counting_ = false; }
  // So many bytes have gone through since the connection was made.
  void saw(std::uint64_t bytes, Time now) {
    const Time time = now - since_;
    if (counting_ && time < kLeastTime) return;
    const std::uint64_t news = bytes - std::min(bytes, bytes_);
    if (counting_ && time <= kMostTime) {
      if (news < kLeastBytes) return;  // more will have come by the next time
      sample(static_cast<double>(news) / std::chrono::duration<double>(time).count(), now);
    }
    counting_ = true;
    bytes_ = bytes;
    since_ = now;
  }

  [[nodiscard]] double bytes_per_second() const { return std::max(most_, most_before_); }

 private:
  void sample(double rate, Time now) {
    if (samples_ >= kSamples && now - term_ >= kTerm) {
      most_before_ = std::exchange(most_, 0);
      samples_ = 0;
      term_ = now;
    }
    most_ = std::max(most_, rate);
    ++samples_;
  }

  bool counting_ = false;
  std::uint64_t bytes_ = 0;
  Time since_{0};
  double most_ = 0;
  double most_before_ = 0;
  int samples_ = 0;
  Time term_{0};
};

}  // namespace hyps::bus
