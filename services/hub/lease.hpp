// Lease: how long a worker is believed to have a task without saying so. Heartbeats that list the
// task renew it; when it has run out, the order is sent again.
#pragma once

#include <algorithm>

#include "common/base/time.hpp"

namespace hyps::hub {

constexpr Milliseconds kAskAgain{1000};  // not sooner, whatever comes in vain

struct Lease {
  Milliseconds sent{0};     // the order, the last time
  Milliseconds renewed{0};  // that, or the last heartbeat that listed the task
  int lapses = 0;           // in a row

  void begin(Milliseconds now) {
    sent = renewed = now;
    lapses = 0;
  }
  void renew(Milliseconds now) {
    renewed = now;
    lapses = 0;
  }
  void lapse(Milliseconds now) {
    sent = renewed = now;
    ++lapses;
  }
  // Longer each time: on a slow link the order may wait behind what was sent before.
  [[nodiscard]] bool has_lapsed(Milliseconds now, Milliseconds term) const {
    constexpr int kMostDoublings = 5;
    return now - renewed > term * (1 << std::min(lapses, kMostDoublings));
  }
};

}  // namespace hyps::hub
