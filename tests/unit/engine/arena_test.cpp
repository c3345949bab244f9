#include "common/engine/arena.hpp"

#include <gtest/gtest.h>

#include "common/base/random.hpp"

namespace hyps::engine {
namespace {

bool share_time(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

TEST(Arena, NothingNeedsNothing) { EXPECT_EQ(plan_arena({}).bytes, 0U); }

TEST(Arena, ChainOfLayersNeedsTwoBuffersOnly) {
  const auto plan = plan_arena({{640, 0, 1}, {640, 1, 2}, {640, 2, 3}, {640, 3, 4}});
  EXPECT_EQ(plan.bytes, 2 * 640U);
}

TEST(Arena, BuffersThatLiveAtOnceNeverOverlap) {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<Lifetime> lifetimes;
    std::size_t sum = 0;
    for (std::uint64_t i = 0, count = 1 + random.below(40); i < count; ++i) {
      const auto first = random.below(30);
      lifetimes.push_back({random.below(5000), first, first + random.below(8)});
      sum += lifetimes.back().bytes + kArenaAlignment;
    }
    const auto plan = plan_arena(lifetimes);
    EXPECT_LE(plan.bytes, sum);
    for (std::size_t a = 0; a < lifetimes.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % kArenaAlignment, 0U);
      EXPECT_LE(plan.offsets[a] + lifetimes[a].bytes, plan.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        if (!share_time(lifetimes[a], lifetimes[b])) continue;
        EXPECT_TRUE(plan.offsets[a] + lifetimes[a].bytes <= plan.offsets[b] ||
                    plan.offsets[b] + lifetimes[b].bytes <= plan.offsets[a])
            << "round " << round << ", buffers " << a << " and " << b;
      }
    }
  }
}

}  // namespace
}  // namespace hyps::engine
