// What all parts of a simulated cluster share.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "common/base/digest.hpp"
#include "common/base/random.hpp"
#include "history.hpp"
#include "scheduler.hpp"
#include "tests/support/disk.hpp"

namespace hyps::sim {

// Faults that befall single messages and pieces of work, in thousandths.
struct Rates {
  std::uint64_t lost = 0;  // by a broker whose queue is full
  std::uint64_t doubled = 0;
  std::uint64_t late = 0;  // overtaken by what was sent after it
  std::uint64_t corrupted = 0;
  std::uint64_t truncated = 0;
  std::uint64_t flipped = 0;  // a feature map that changes in memory before it is framed
  std::uint64_t failing_work = 0;
};

struct World {
  World(std::uint64_t seed, bool with_history) : random(seed), history(with_history) {}

  // A promise is broken: the first one is kept, and ends the run.
  void violate(const std::string& what) {
    history.say(clock.now(), "VIOLATION", [&] { return what; });
    if (violation.empty()) violation = what;
  }
  template <typename Text>
  void say(const std::string& who, Text text) {
    history.say(clock.now(), who, text);
  }
  bool happens(std::uint64_t thousandths) {
    return thousandths > 0 && random.below(1000) < thousandths;
  }
  Milliseconds random_ms(std::int64_t low, std::int64_t high) {
    return Milliseconds(random.between(low, high));
  }

  Scheduler clock;
  Random random;
  History history;
  Rates rates;
  std::int64_t latency_ms = 3;               // at most, each way
  std::size_t max_queued_messages = 20'000;  // of a bus
  test::Disk disk;                           // the hub's
  std::int64_t disk_free = std::int64_t{1} << 40U;
  std::set<Digest> tolerable_lies;  // too small to count among different arithmetic
  std::string violation;
};

}  // namespace hyps::sim
