#include "common/bus/link_rate.hpp"

#include <gtest/gtest.h>

namespace hyps::bus {
namespace {

using namespace std::chrono_literals;

class LinkRateTest : public testing::Test {
 protected:
  // So many megabytes a second, looked at every so often.
  void flows(double megabytes, LinkRate::Time looks, LinkRate::Time duration) {
    for (LinkRate::Time passed{0}; passed < duration; passed += looks) {
      now += looks;
      bytes += static_cast<std::uint64_t>(megabytes * 1e6 *
                                          std::chrono::duration<double>(looks).count());
      rate.saw(bytes, now);
    }
  }
  double megabytes() const { return rate.bytes_per_second() / 1e6; }

  LinkRate::Time now = 1000s;
  std::uint64_t bytes = 12'345;
  LinkRate rate;
};

TEST_F(LinkRateTest, IsNotKnownBeforeSomethingLargeCame) {
  EXPECT_EQ(megabytes(), 0);
  flows(0.01, 10ms, 10s);
  EXPECT_EQ(megabytes(), 0);
  flows(12.5, 10ms, 100ms);
  EXPECT_NEAR(megabytes(), 12.5, 0.1);
}

TEST_F(LinkRateTest, IsTheSameHoweverSeldomItIsLookedAt) {
  for (const LinkRate::Time looks :
       {LinkRate::Time(100us), LinkRate::Time(3ms), LinkRate::Time(80ms), LinkRate::Time(700ms)}) {
    rate = LinkRate();
    flows(12.5, looks, 5s);
    EXPECT_NEAR(megabytes(), 12.5, 0.2) << looks.count();
  }
}

TEST_F(LinkRateTest, WaitingDoesNotLowerIt) {
  for (int i = 0; i < 20; ++i) {
    flows(400, 2ms, 20ms);
    flows(0, 50ms, 300ms);  // a processor was busy, or there was nothing to send
  }
  EXPECT_NEAR(megabytes(), 400, 10);
  now += 60s;
  flows(0, 50ms, 1s);
  EXPECT_NEAR(megabytes(), 400, 10);
}

TEST_F(LinkRateTest, FollowsALinkThatBecomesSlowOrFast) {
  flows(100, 5ms, 3s);
  flows(5, 5ms, 10s);
  EXPECT_NEAR(megabytes(), 5, 1);
  flows(100, 5ms, 50ms);
  EXPECT_NEAR(megabytes(), 100, 1);
}

TEST_F(LinkRateTest, ANewConnectionCountsAnew) {
  flows(10, 5ms, 100ms);
  rate.begin();
  bytes = 0;
  flows(10, 5ms, 100ms);
  EXPECT_NEAR(megabytes(), 10, 0.1);
  rate.begin();
  bytes = 5'000'000'000;  // of a connection that is old
  flows(10, 5ms, 100ms);
  EXPECT_NEAR(megabytes(), 10, 0.1);
}

}  // namespace
}  // namespace hyps::bus
