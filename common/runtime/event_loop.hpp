// EventLoop: a service's one thread of logic. Other threads post; the handler runs the core. What
// waits when the thread comes to look is one round: handled one by one, ended together.
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
  struct Handlers {
    std::function<void(Event)> handle;
    std::function<void()> end_round = [] {};  // after a round of events, and after a tick
    std::function<void()> tick = [] {};
  };

  explicit EventLoop(std::size_t capacity) : capacity_(capacity), queue_(capacity) {}

  // Thread-safe. Waits while the queue is full: that is the back-pressure on a broker connection.
  // False after stop().
  bool post(Event event) { return queue_.push(std::move(event)); }
  // Thread-safe; from a signal handler use runtime::stop_requested instead.
  void stop() { queue_.close(); }

  // Runs until `stopped` is true, or stop() was called and what was posted before is handled.
  // `tick` is called every `period`, also under load: a round is as long as the queue at most.
  void run(const Handlers& handlers, Milliseconds period, const std::atomic<bool>& stopped) {
    auto next_tick = std::chrono::steady_clock::now() + period;
    while (!stopped.load()) {
      if (auto first = queue_.pop_until(next_tick)) {
        run_round(handlers, std::move(*first));
      } else if (queue_.is_through()) {
        return;
      }
      const auto time = std::chrono::steady_clock::now();
      if (time < next_tick) continue;
      handlers.tick();
      handlers.end_round();
      next_tick = std::max(next_tick + period, time);
    }
  }

 private:
  void run_round(const Handlers& handlers, Event first) {
    handlers.handle(std::move(first));
    for (std::size_t handled = 1; handled < capacity_; ++handled) {
      auto next = queue_.try_pop();
      if (!next) break;
      handlers.handle(std::move(*next));
    }
    handlers.end_round();
  }

  const std::size_t capacity_;
  BoundedQueue<Event> queue_;
};

// True once SIGTERM or SIGINT arrived. install_signal_handlers() also ignores SIGPIPE.
const std::atomic<bool>& stop_requested();
void install_signal_handlers();

}  // namespace hyps::runtime
