// Detector: is a worker still there? The phi-accrual failure detector of Hayashibara et al. (SRDS
// 2004, section 4): phi = -log10(probability that a heartbeat comes even later than this), of a
// normal distribution of the intervals seen lately. It learns how regular this worker on this
// network is, instead of one bound for all. Pure; one instance a worker.
#pragma once

#include <array>
#include <cstddef>

#include "common/base/time.hpp"

namespace hyps::hub {

struct DetectorOptions {
  double phi = 8;              // silent beyond: wrong once in 10^8 heartbeats, if the model holds
  Milliseconds pause{500};     // besides that, always forgiven: a scheduler's or a disk's hiccup
  Milliseconds longest{5000};  // silent in any case; and while there is nothing to learn from
};

class Detector {
 public:
  // A heartbeat came. Times may repeat, but not go back.
  void beat(Milliseconds at);
  // Another word came: it is there, which says nothing about its rhythm.
  void heard(Milliseconds at);
  // Its or our connection is new: the silence until now says nothing.
  void begin(Milliseconds now);
  // So long we did not listen.
  void forgive(Milliseconds gap);

  [[nodiscard]] Milliseconds last_heard() const { return last_heard_; }
  [[nodiscard]] double phi(Milliseconds now, Milliseconds pause) const;
  [[nodiscard]] bool is_silent_for(Milliseconds now, Milliseconds longest) const {
    return now - last_heard_ > longest;
  }
  [[nodiscard]] bool is_silent(Milliseconds now, const DetectorOptions& options) const;

 private:
  static constexpr std::size_t kWindow = 64;  // intervals remembered
  static constexpr std::size_t kEnough = 5;   // to go by
  [[nodiscard]] bool knows_rhythm() const { return beating_ && count_ >= kEnough; }

  Milliseconds last_heard_{0};
  Milliseconds last_beat_{0};
  bool beating_ = false;  // a heartbeat has come since begin()
  std::array<double, kWindow> intervals_{};
  std::size_t count_ = 0;
  std::size_t next_ = 0;
};

}  // namespace hyps::hub
