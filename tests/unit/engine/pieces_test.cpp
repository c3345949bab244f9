#include "common/engine/onednn/pieces.hpp"

#include <gtest/gtest.h>

#include "common/base/random.hpp"

namespace hyps::engine {
namespace {

TEST(Pieces, CoverTheWholeInOrderInMultiplesOfTheUnit) {
  Random random(5);
  for (int round = 0; round < 1000; ++round) {
    const auto length = random.between(1, 5000);
    const auto unit = random.between(1, 64);
    std::int64_t expected = 0;
    for (const auto& range : split(length, unit, random.real() * 1e8)) {
      EXPECT_EQ(range.begin, expected);
      EXPECT_GT(range.end, range.begin);
      EXPECT_EQ(range.begin % unit, 0);
      expected = range.end;
    }
    EXPECT_EQ(expected, length);
  }
}

TEST(Pieces, LittleWorkStaysWhole) { EXPECT_EQ(split(512, 16, 1e5).size(), 1U); }

TEST(Pieces, HeavyLayersOccupyEightThreads) {
  EXPECT_EQ(split(512, 16, 1e9).size(), 8U);
  EXPECT_EQ(split(64, 16, 1e9).size(), 4U);
}

TEST(Pieces, TheirNumberIsAPowerOfTwo) {
  EXPECT_EQ(split(96, 8, 1e9).size(), 4U);
  EXPECT_EQ(split(160, 8, 1e9).size(), 4U);
  EXPECT_EQ(split(512, 8, 7e6).size(), 4U);
}

TEST(Pieces, OfWeightsFitACacheAndCoverAll) {
  for (const std::int64_t length : {1, 10, 16, 17, 1000, 4096}) {
    for (const std::int64_t depth : {1, 64, 4096, 25088, 1'000'000}) {
      SCOPED_TRACE(std::to_string(length) + " x " + std::to_string(depth));
      const auto ranges = split_weights(length, 16, depth * 4);
      std::int64_t covered = 0;
      for (const auto& range : ranges) {
        EXPECT_EQ(range.begin, covered);
        EXPECT_GT(range.size(), 0);
        EXPECT_TRUE(range.size() <= 16 || range.size() * depth * 4 <= 1 << 20) << range.size();
        covered = range.end;
      }
      EXPECT_EQ(covered, length);
    }
  }
}

}  // namespace
}  // namespace hyps::engine
