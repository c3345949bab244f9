#include "common/runtime/event_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

namespace hyps::runtime {
namespace {

TEST(EventLoop, handles_events_of_a_thread_in_their_order) {
  EventLoop<int> loop(4);
  std::atomic<bool> stopped{false};
  std::vector<int> seen;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(loop.post(i));
  });
  loop.run({.handle =
                [&](int event) {
                  seen.push_back(event);
                  stopped = seen.size() == 1000;
                }},
           Milliseconds(5), stopped);
  poster.join();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(EventLoop, ticks_without_events_and_under_a_flood_of_them) {
  for (const bool flood : {false, true}) {
    EventLoop<int> loop(4);
    std::atomic<bool> stopped{false};
    std::thread poster([&] {
      while (flood && loop.post(0)) continue;
    });
    int ticks = 0;
    loop.run({.handle = [](int) {}, .tick = [&] { stopped = ++ticks == 5; }}, Milliseconds(2),
             stopped);
    loop.stop();
    poster.join();
    EXPECT_EQ(ticks, 5);
  }
}

TEST(EventLoop, what_has_come_together_is_one_round_and_a_tick_another) {
  EventLoop<int> loop(4);
  std::atomic<bool> stopped{false};
  std::vector<int> rounds;
  int handled = 0;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(loop.post(i));
  loop.run({.handle = [&](int) { ++handled; },
            .end_round = [&] { rounds.push_back(std::exchange(handled, 0)); },
            .tick = [&] { stopped = true; }},
           Milliseconds(5), stopped);
  EXPECT_EQ(rounds, (std::vector{4, 0}));
}

TEST(EventLoop, a_round_is_no_longer_than_the_queue) {
  EventLoop<int> loop(2);
  std::atomic<bool> stopped{false};
  int handled = 0;
  int longest = 0;
  EXPECT_TRUE(loop.post(1));
  loop.run({.handle =
                [&](int event) {
                  ++handled;
                  stopped = event == 100;
                  EXPECT_TRUE(loop.post(event + 1));
                },
            .end_round = [&] { longest = std::max(longest, std::exchange(handled, 0)); }},
           Milliseconds(5), stopped);
  EXPECT_EQ(longest, 2);
}

TEST(EventLoop, a_post_that_waits_for_room_ends_when_the_loop_stops) {
  EventLoop<int> loop(1);
  EXPECT_TRUE(loop.post(1));
  std::thread poster([&] { EXPECT_FALSE(loop.post(2)); });
  loop.stop();
  poster.join();
}

TEST(EventLoop, stop_alone_left_the_loop_spinning) {
  EventLoop<int> loop(4);
  const std::atomic<bool> never{false};
  EXPECT_TRUE(loop.post(1));
  EXPECT_TRUE(loop.post(2));
  int sum = 0;
  std::thread stopper([&] { loop.stop(); });
  loop.run({.handle = [&](int event) { sum += event; }}, Milliseconds(1), never);
  stopper.join();
  EXPECT_EQ(sum, 3);  // what was posted before is handled
}

TEST(Signals, of_termination_ask_to_stop) {
  install_signal_handlers();
  EXPECT_FALSE(stop_requested().load());
  ASSERT_EQ(std::raise(SIGPIPE), 0);  // ignored
  ASSERT_EQ(std::raise(SIGTERM), 0);
  EXPECT_TRUE(stop_requested().load());
}

TEST(Time, of_the_steady_clock_never_goes_back) {
  const Now before = now();
  EXPECT_GE(now().steady, before.steady);
  EXPECT_GT(before.unix_ms, 1'700'000'000'000);
}

}  // namespace
}  // namespace hyps::runtime
