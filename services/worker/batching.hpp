// Batching: how many waiting tasks of a partition are computed in one go, so that their answers
// keep a bound. Learns how long batches take as they are computed. A pure value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/time.hpp"

namespace hyps::worker {

class Batching {
 public:
  // So many images were computed in one go, in that time.
  void note(std::size_t images, std::uint64_t us);
  // The next run is no measure: it touches its weights for the first time.
  void expect_cold_run() { is_cold_ = true; }

  // Of ready tasks that are here for so long, in the order in which they are computed: how many in
  // one go. REQUIRES: not empty.
  [[nodiscard]] std::size_t size(std::span<const Milliseconds> ages, Milliseconds bound) const;
  // How long these may wait for one more of them; 0: not at all.
  [[nodiscard]] Milliseconds patience(std::span<const Milliseconds> ages, Milliseconds bound) const;

 private:
  // Moving means of runs of one image, or of those of several.
  struct Mean {
    double images = 0;
    double us = 0;
    int runs_since = 0;  // of the other kind
    [[nodiscard]] bool is_known() const { return us > 0; }
    [[nodiscard]] bool is_stale() const;
  };
  [[nodiscard]] double expected_us(std::size_t images) const;
  [[nodiscard]] bool gains(std::size_t images) const;
  [[nodiscard]] bool is_worth_it(std::size_t images) const;

  Mean single_;
  Mean several_;
  std::size_t largest_ = 1;
  bool is_cold_ = true;
};

}  // namespace hyps::worker
