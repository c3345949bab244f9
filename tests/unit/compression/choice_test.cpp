#include "common/compression/choice.hpp"

#include <gtest/gtest.h>

namespace hyps::compression {
namespace {

using namespace std::chrono_literals;

constexpr double kSlow = 12.5e6;  // 100 Mbit/s
constexpr double kFast = 600e6;   // a loopback
constexpr std::size_t kChunk = 64U << 10U;

class ChoiceTest : public testing::Test {
 protected:
  // A chunk comes by; at 500 MB/s and to `ratio` if it is compressed. Whether it was.
  bool chunk(double link, double ratio = 0.45, double speed = 500e6) {
    now += 1ms;
    if (!choice.wants(link, now)) return false;
    const auto took = std::chrono::duration_cast<Time>(
        std::chrono::duration<double>(static_cast<double>(kChunk) / speed));
    const auto size = static_cast<std::size_t>(static_cast<double>(kChunk) * ratio);
    choice.tried(kChunk, size, took, link, now);
    return true;
  }
  int tries_in(int chunks, double link, double ratio = 0.45) {
    int tries = 0;
    for (int i = 0; i < chunks; ++i) tries += chunk(link, ratio) ? 1 : 0;
    return tries;
  }

  Time now{0};
  Choice choice;
};

TEST_F(ChoiceTest, PaysOnASlowLinkFromTheFirstChunkOn) {
  EXPECT_FALSE(choice.pays());
  EXPECT_TRUE(chunk(kSlow));
  EXPECT_TRUE(choice.pays());
  EXPECT_EQ(tries_in(100, kSlow), 100) << "every chunk";
  EXPECT_NEAR(choice.ratio(), 0.45, 0.01);
}

TEST_F(ChoiceTest, DoesNotPayOnAFastLinkAndIsHardlyTriedThere) {
  EXPECT_EQ(tries_in(9000, kFast), 1);
  EXPECT_FALSE(choice.pays());
  EXPECT_EQ(tries_in(2000, kFast), 1) << "after ten seconds";
}

TEST_F(ChoiceTest, DoesNotPayOverALinkOfWhichNothingIsKnown) {
  EXPECT_GT(tries_in(1000, 0), 1);
  EXPECT_FALSE(choice.pays());
  chunk(kSlow);
  for (int i = 0; i < 100; ++i) chunk(kSlow);
  EXPECT_TRUE(choice.pays()) << "as soon as it is known";
}

TEST_F(ChoiceTest, DoesNotPayForWhatBecomesNoSmaller) {
  EXPECT_LE(tries_in(1000, kSlow, 1.0), 1000 / 13) << "1 % of the time: a try takes 0.13 ms";
  EXPECT_FALSE(choice.pays());
}

TEST_F(ChoiceTest, FollowsTheFeatureMapsAndTheLink) {
  tries_in(10, kSlow, 1.0);
  ASSERT_FALSE(choice.pays());
  tries_in(200, kSlow, 0.4);
  EXPECT_TRUE(choice.pays()) << "they have become compressible";
  tries_in(50, kFast, 0.4);
  EXPECT_FALSE(choice.pays()) << "the link has become fast";
  tries_in(11'000, kFast, 0.4);
  EXPECT_FALSE(choice.pays());
  now += 10s;
  tries_in(200, kSlow, 0.4);
  EXPECT_TRUE(choice.pays()) << "and slow again";
  for (int i = 0; i < 200; ++i) chunk(kSlow, 0.4, 10e6);
  EXPECT_FALSE(choice.pays()) << "the processor is busy with something else";
}

// Gain over costs is (1 - 0.45) / link / (2 / 500 MB/s).
TEST_F(ChoiceTest, BeginsAndEndsAtDifferentRates) {
  const double even = 0.55 * 500e6 / 2;
  chunk(even / 1.2);
  EXPECT_FALSE(choice.pays());
  now += 10s;
  chunk(even / 1.6);
  EXPECT_TRUE(choice.pays());
  chunk(even / 1.2);
  EXPECT_TRUE(choice.pays()) << "it does not flicker";
  chunk(even / 0.9);
  EXPECT_FALSE(choice.pays());
}

TEST_F(ChoiceTest, AMeasurementThatWasDisturbedIsForgotten) {
  chunk(kSlow, 0.45, 1e6);  // once very slow
  EXPECT_FALSE(choice.pays());
  now += 11s;
  EXPECT_LT(tries_in(1000, kSlow), 1000)
      << "the next one is as it should be: it is tried again soon";
  EXPECT_TRUE(choice.pays());
}

}  // namespace
}  // namespace hyps::compression
