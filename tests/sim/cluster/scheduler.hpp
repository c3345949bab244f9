// The one clock and the one thread: what happens when.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/base/time.hpp"

namespace hyps::sim {

class Scheduler {
 public:
  using Action = std::function<void()>;

  [[nodiscard]] Milliseconds now() const { return now_; }

  void at(Milliseconds time, Action action) {
    entries_.push_back({std::max(time, now_), next_++, std::move(action)});
    std::push_heap(entries_.begin(), entries_.end(), later);
  }
  void after(Milliseconds delay, Action action) { at(now_ + delay, std::move(action)); }

  // Runs what is next, in the order of time and, at the same time, of scheduling. False: nothing.
  bool run_next() {
    if (entries_.empty()) return false;
    std::pop_heap(entries_.begin(), entries_.end(), later);
    Entry entry = std::move(entries_.back());
    entries_.pop_back();
    now_ = entry.time;
    entry.action();
    return true;
  }

 private:
  struct Entry {
    Milliseconds time;
    std::uint64_t order;
    Action action;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }

  Milliseconds now_{0};
  std::uint64_t next_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace hyps::sim
