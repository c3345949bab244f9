#include "services/hub/detector.hpp"

#include <gtest/gtest.h>

#include "common/base/random.hpp"

namespace hyps::hub {
namespace {

constexpr DetectorOptions kOptions;

// Beats every `period` ms, up to `jitter` ms late; the time of the last one.
Milliseconds beat_for(Detector& detector, int beats, int period, int jitter, Random& random) {
  Milliseconds at{0};
  for (int i = 0; i < beats; ++i) {
    const auto late = jitter == 0 ? 0 : random.below(static_cast<std::uint64_t>(jitter));
    at = Milliseconds(i * period + static_cast<int>(late));
    detector.beat(at);
  }
  return at;
}

// How long after the last word it is given up.
Milliseconds patience(const Detector& detector, Milliseconds last) {
  Milliseconds silent{0};
  while (!detector.is_silent(last + silent, kOptions)) silent += Milliseconds(10);
  return silent;
}

TEST(HubDetector, ARegularWorkerThatFallsSilentIsNoticedWithinTwoSeconds) {
  Random random(1);
  Detector detector;
  const Milliseconds last = beat_for(detector, 100, 200, 20, random);
  EXPECT_GT(patience(detector, last), Milliseconds(1000));
  EXPECT_LT(patience(detector, last), Milliseconds(1600));
}

TEST(HubDetector, AnIrregularOneIsGivenMoreTime) {
  Random random(2);
  Detector regular;
  Detector irregular;
  const Milliseconds a = beat_for(regular, 100, 200, 20, random);
  const Milliseconds b = beat_for(irregular, 100, 600, 1200, random);
  EXPECT_GT(patience(irregular, b), patience(regular, a) + Milliseconds(500));
  EXPECT_LE(patience(irregular, b), kOptions.longest + Milliseconds(10));
}

TEST(HubDetector, NobodyWhoKeepsItsRhythmIsEverSilent) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    Detector detector;
    Milliseconds at{0};
    for (int i = 0; i < 500; ++i) {
      at += Milliseconds(200 + static_cast<int>(random.below(150)));
      EXPECT_FALSE(detector.is_silent(at, kOptions)) << "round " << round;
      detector.beat(at);
    }
  }
}

TEST(HubDetector, WithoutARhythmToGoByItWaitsForTheLongest) {
  Detector detector;
  detector.begin(Milliseconds(1000));
  detector.heard(Milliseconds(1100));
  EXPECT_FALSE(detector.is_silent(Milliseconds(6100), kOptions));
  EXPECT_TRUE(detector.is_silent(Milliseconds(6101), kOptions));
}

TEST(HubDetector, AfterAReconnectItWaitsForTheFirstHeartbeat) {
  Random random(4);
  Detector detector;
  const Milliseconds last = beat_for(detector, 100, 200, 0, random);
  detector.begin(last + Milliseconds(60'000));
  EXPECT_FALSE(detector.is_silent(last + Milliseconds(64'000), kOptions));
  detector.beat(last + Milliseconds(64'000));
  EXPECT_LT(patience(detector, last + Milliseconds(64'000)), Milliseconds(1600))
      << "what was learned before still counts, the gap does not";
}

TEST(HubDetector, AnyWordIsASignOfLife) {
  Random random(5);
  Detector detector;
  const Milliseconds last = beat_for(detector, 100, 200, 0, random);
  detector.heard(last + Milliseconds(1000));
  EXPECT_FALSE(detector.is_silent(last + Milliseconds(1900), kOptions));
}

TEST(HubDetector, TimeThatTheHubDidNotListenIsForgiven) {
  Random random(6);
  Detector detector;
  const Milliseconds last = beat_for(detector, 100, 200, 0, random);
  detector.forgive(Milliseconds(3000));
  EXPECT_FALSE(detector.is_silent(last + Milliseconds(3900), kOptions));
  EXPECT_TRUE(detector.is_silent(last + Milliseconds(4700), kOptions));
}

}  // namespace
}  // namespace hyps::hub
