#include "common/engine/pool.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace hyps::engine {
namespace {

TEST(Pool, EveryPieceRunsOnceOnALaneOfItsOwn) {
  Pool pool(4);
  EXPECT_EQ(pool.lanes(), 4);
  for (int round = 0; round < 2000; ++round) {
    const int pieces = round % 11;
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(pieces));
    std::vector<std::atomic<int>> inside(4);
    std::atomic<bool> shared{false};
    pool.run(pieces, [&](int piece, int lane) {
      if (inside[static_cast<std::size_t>(lane)].fetch_add(1) != 0) shared = true;
      runs[static_cast<std::size_t>(piece)].fetch_add(1);
      inside[static_cast<std::size_t>(lane)].fetch_sub(1);
    });
    EXPECT_FALSE(shared);
    for (const auto& run : runs) EXPECT_EQ(run.load(), 1);
  }
}

// Each piece waits for the other to begin: a helper that slept through its call would hang this.
TEST(Pool, HelpersThatFellAsleepAreWoken) {
  Pool pool(2);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    std::atomic<int> begun{0};
    pool.run(2, [&](int, int) {
      begun.fetch_add(1);
      while (begun.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(begun.load(), 2);
  }
}

TEST(Pool, TwoCallersShareItWithoutWaitingForEachOther) {
  Pool pool(3);
  std::atomic<int> done{0};
  const auto caller = [&] {
    for (int round = 0; round < 500; ++round) pool.run(7, [&](int, int) { done.fetch_add(1); });
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_EQ(done.load(), 2 * 500 * 7);
}

TEST(Pool, ExceptionOfAPieceReachesTheCaller) {
  Pool pool(2);
  const auto fail = [](int piece, int) {
    if (piece == 3) throw std::runtime_error("piece 3");
  };
  EXPECT_THROW(pool.run(8, fail), std::runtime_error);
  int runs = 0;
  pool.run(1, [&](int, int) { ++runs; });
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace hyps::engine
