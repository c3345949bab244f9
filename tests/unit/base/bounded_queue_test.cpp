#include "common/base/bounded_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

namespace hyps {
namespace {

std::chrono::steady_clock::time_point in(int seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

TEST(BoundedQueue, refuses_at_its_bound_and_takes_again_when_there_is_room) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  EXPECT_EQ(queue.pop_until(in(0)), 1);
  EXPECT_TRUE(queue.try_push(3));
  EXPECT_EQ(queue.size(), 2U);
}

TEST(BoundedQueue, gives_nothing_when_the_time_is_up) {
  BoundedQueue<int> queue(2);
  EXPECT_EQ(queue.pop_until(in(0)), std::nullopt);
}

TEST(BoundedQueue, closed_gives_what_it_has_and_takes_no_more) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.push(1));
  queue.close();
  EXPECT_FALSE(queue.push(2));
  EXPECT_FALSE(queue.is_through());
  EXPECT_EQ(queue.pop_until(in(60)), 1);
  EXPECT_EQ(queue.pop_until(in(60)), std::nullopt);
  EXPECT_TRUE(queue.is_through());
}

TEST(BoundedQueue, loses_and_doubles_nothing_between_many_threads) {
  BoundedQueue<int> queue(3);
  constexpr int kEach = 2000;
  std::vector<std::thread> threads;
  std::vector<std::vector<int>> taken(3);
  for (auto& mine : taken) {
    threads.emplace_back([&] {
      while (auto item = queue.pop_until(in(60))) mine.push_back(*item);
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < 3; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(queue.push(p * kEach + i));
    });
  }
  for (auto& producer : producers) producer.join();
  queue.close();
  for (auto& thread : threads) thread.join();
  std::vector<int> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  std::vector<int> expected(3 * kEach);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace hyps
