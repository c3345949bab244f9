// EventLoop: a service's one thread of logic. Other threads post; the handler runs the core.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <utility>

#include "common/base/bounded_queue.hpp"
#include "common/base/time.hpp"

namespace hyps::runtime {

Now now();

template <typename Event>
class EventLoop {
 public:
  explicit EventLoop(std::size_t capacity) : queue_(capacity) {}

  // Thread-safe. Waits while the queue is full: that is the back-pressure on a broker connection.
  // False after stop().
  bool post(Event event) { return queue_.push(std::move(event)); }
  // Thread-safe; from a signal handler use runtime::stop_requested instead.
  void stop() { queue_.close(); }

  // Runs until `stopped` is true, or stop() was called and what was posted before is handled.
  // `tick` is called every `period`, also under load.
  void run(const std::function<void(Event)>& handle, const std::function<void()>& tick,
           Milliseconds period, const std::atomic<bool>& stopped) {
    auto next_tick = std::chrono::steady_clock::now() + period;
    while (!stopped.load()) {
      if (auto event = queue_.pop_until(next_tick)) {
        handle(std::move(*event));
      } else if (queue_.is_through()) {
        return;
      }
      const auto time = std::chrono::steady_clock::now();
      if (time < next_tick) continue;
      tick();
      next_tick = std::max(next_tick + period, time);
    }
  }

 private:
  BoundedQueue<Event> queue_;
};

// True once SIGTERM or SIGINT arrived. install_signal_handlers() also ignores SIGPIPE.
const std::atomic<bool>& stop_requested();
void install_signal_handlers();

}  // namespace hyps::runtime
