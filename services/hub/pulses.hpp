// Pulses: heartbeats that came on a connection of their own, until the hub's thread has time for
// them. The time of arrival is noted at once, so that our own slowness is nobody's silence.
// Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/time.hpp"
#include "services/hub/events.hpp"

namespace hyps::hub {

class Pulses {
 public:
  void arrived(const std::string& topic, Blob frame, Milliseconds at);
  // What came since the last time, as Beat; FrameDropped for what is no heartbeat.
  std::vector<Event> take();

 private:
  static constexpr std::size_t kMaxSenders = 10'000;
  static constexpr std::size_t kMaxTimes = 64;
  struct Waiting {
    Blob frame;  // the last one
    std::vector<Milliseconds> at;
  };
  std::mutex mutex_;
  std::map<std::string, Waiting> waiting_;  // by topic
};

}  // namespace hyps::hub
