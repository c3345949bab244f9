#include "services/voter/core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/random.hpp"
#include "tests/unit/voter/world.hpp"

namespace hyps::voter::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Blob kRight = floats({1, 2, 3});
const Blob kNear = floats({1, 2, 3.0001F});
const Blob kWrong = floats({1, 2, 9});

std::vector<Replica> mixed() {
  return {honest("w1", kRight, "a"), honest("w2", kNear, "b"), honest("w3", kWrong, "c")};
}

TEST(Voter, SaysHelloAtEachConnectionAndToEachHubThatComesUp) {
  World world;
  EXPECT_EQ(world.hellos, 1);
  world.step(HubOnline{});
  EXPECT_EQ(world.hellos, 2);
  world.step(Disconnected{});
  world.step(HubOnline{});
  EXPECT_EQ(world.hellos, 2);
  world.step(Connected{});
  EXPECT_EQ(world.hellos, 3);
}

TEST(Voter, DigestsAreEnoughAmongOneArithmetic) {
  World world;
  EXPECT_EQ(outcome_of(world.show(ballot_of({honest("w1", kRight)}, 2, 2)).at(0)), Outcome::open);
  const auto verdicts =
      world.show(ballot_of({honest("w1", kRight), honest("w2", kRight)}, 2, 1, 2));
  ASSERT_THAT(verdicts, SizeIs(1));
  EXPECT_EQ(outcome_of(verdicts[0]), Outcome::agreed);
  EXPECT_EQ(verdicts[0].number, 2U);
  EXPECT_EQ(verdicts[0].task, kTask);
  EXPECT_EQ(world.core.waiting(), 0U);
}

TEST(Voter, ValuesAreAskedForAndTellWhoLies) {
  World world;
  const auto replicas = mixed();
  const auto asked = world.show(ballot_of(replicas, 2));
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(outcome_of(asked[0]), Outcome::values);
  EXPECT_THAT(names(asked[0].members), ElementsAre("w1", "w2", "w3"));
  EXPECT_THAT(world.send(replicas[0]), IsEmpty());
  const auto at_once = world.send(replicas[1]);  // but who else lies?
  ASSERT_THAT(at_once, SizeIs(1));
  EXPECT_EQ(outcome_of(at_once[0]), Outcome::agreed);
  EXPECT_THAT(at_once[0].liars, IsEmpty());
  const auto told = world.send(replicas[2]);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(outcome_of(told[0]), Outcome::agreed);
  EXPECT_THAT(names(told[0].members), ElementsAre("w1", "w2"));
  EXPECT_THAT(names(told[0].liars), ElementsAre("w3"));
  EXPECT_EQ(world.core.waiting(), 0U);
  EXPECT_EQ(world.core.reserved_bytes(), 0U);
}

TEST(Voter, AnAnswerDoesNotWaitToKnowWhoElseLies) {
  World world;
  const auto replicas = mixed();
  world.show(ballot_of(replicas, 2));
  world.send(replicas[0]);
  const auto told = world.send(replicas[1]);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(outcome_of(told[0]), Outcome::agreed);
  EXPECT_THAT(told[0].liars, IsEmpty());
  EXPECT_EQ(world.core.waiting(), 1U);
  const auto again = world.pass(Milliseconds(5000));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(outcome_of(again[0]), Outcome::values);
  EXPECT_THAT(names(again[0].members), ElementsAre("w3"));
  EXPECT_THAT(world.pass(Milliseconds(7000)), IsEmpty());  // slowness is no lie
  EXPECT_EQ(world.core.waiting(), 0U);
}

TEST(Voter, WhoIsAloneWithItsArithmeticIsJudgedAfterTheVerdict) {
  for (const bool lies : {false, true}) {
    World world;
    const std::vector<Replica> replicas{honest("w1", kRight, "a"), honest("w2", kRight, "a"),
                                        honest("w3", lies ? kWrong : kNear, "b")};
    const auto told = world.show(ballot_of(replicas, 2));
    ASSERT_THAT(told, SizeIs(2));
    EXPECT_EQ(outcome_of(told[0]), Outcome::agreed);
    EXPECT_THAT(names(told[0].members), ElementsAre("w1", "w2"));
    EXPECT_THAT(told[0].liars, IsEmpty());
    EXPECT_EQ(outcome_of(told[1]), Outcome::values);
    EXPECT_THAT(names(told[1].members), ElementsAre("w1", "w3"));
    EXPECT_THAT(world.send(replicas[2]), IsEmpty());
    const auto judged = world.send(replicas[0]);
    ASSERT_THAT(judged, SizeIs(1));
    EXPECT_EQ(outcome_of(judged[0]), Outcome::agreed);
    EXPECT_EQ(judged[0].number, told[0].number);
    EXPECT_EQ(judged[0].liars.size(), lies ? 1U : 0U);
    EXPECT_EQ(judged[0].members.size(), lies ? 2U : 3U);
    EXPECT_EQ(world.core.waiting(), 0U);
  }
}

TEST(Voter, AVerdictThatWasNotHeardIsSaidAgain) {
  World world;
  const auto ballot = ballot_of(
      {honest("w1", kRight, "a"), honest("w2", kRight, "a"), honest("w3", kNear, "b")}, 2);
  EXPECT_THAT(world.show(ballot), SizeIs(2));
  const auto again = world.show(ballot);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(outcome_of(again[0]), Outcome::agreed);
}

TEST(Voter, WhoLiesIsAskedOnlyWhereThereIsRoomForIt) {
  CoreConfig config;
  config.max_value_bytes = 40;
  World world(config);
  const auto odd = ballot_of(
      {honest("w1", kRight, "a"), honest("w2", kRight, "a"), honest("w3", kNear, "b")}, 2);
  EXPECT_THAT(world.show(odd), SizeIs(2));
  EXPECT_EQ(world.core.waiting(), 1U);
  // An answer needs the room.
  const protocol::TaskKey other{JobId("other"), PlanId("p"), PartitionName("v")};
  const auto asked = world.show(ballot_of(mixed(), 2, 0, 1, other));
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(outcome_of(asked[0]), Outcome::values);
  EXPECT_EQ(world.core.waiting(), 1U);
  EXPECT_THAT(world.show(odd), SizeIs(1)) << "there is no room to ask";
  EXPECT_LE(world.core.reserved_bytes(), 40U);
}

TEST(Voter, SaysHelloAgainNowAndThen) {
  World world;
  world.pass(Milliseconds(9000));
  EXPECT_EQ(world.hellos, 1);
  world.pass(Milliseconds(1000));
  EXPECT_EQ(world.hellos, 2);
}

TEST(Voter, BytesThatAreNotTheAnnouncedOnesAreALie) {
  for (const Blob& sent : {kWrong, floats({1, 2}), floats({1, 2, 3, 4}), Blob()}) {
    World world;
    // The forger is asked for the bytes that it and w2 announced; then w2 is.
    const std::vector<Replica> replicas{{"w1", kRight, sent, "a"},
                                        honest("w2", kRight, "b"),
                                        honest("w3", kNear, "c"),
                                        honest("w4", floats({1, 2, 3.00005F}), "d")};
    const Verdict verdict = world.play(replicas, 3);
    EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
    EXPECT_THAT(names(verdict.members), ElementsAre("w2", "w3", "w4"));
    EXPECT_THAT(names(verdict.liars), ElementsAre("w1"));
  }
}

TEST(Voter, MoreVotesReplaceTheBallotAndKeepItsValues) {
  World world;
  const auto replicas = mixed();
  world.show(ballot_of({replicas[0], replicas[2]}, 2, 1, 1));
  world.send(replicas[0]);
  const auto open = world.send(replicas[2]);
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(outcome_of(open[0]), Outcome::open);
  const auto asked = world.show(ballot_of(replicas, 2, 0, 2));
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(outcome_of(asked[0]), Outcome::values);
  EXPECT_THAT(names(asked[0].members), ElementsAre("w2"));
  const auto told = world.send(replicas[1]);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].number, 2U);
  EXPECT_THAT(names(told[0].members), ElementsAre("w1", "w2"));
  EXPECT_THAT(names(told[0].liars), ElementsAre("w3"));
}

TEST(Voter, ALateBallotIsDroppedAndEveryNewOneAnswered) {
  World world;
  const auto replicas = mixed();
  world.show(ballot_of({replicas[0], replicas[1]}, 2, 1, 5));
  EXPECT_THAT(world.show(ballot_of({replicas[0]}, 2, 2, 4)), IsEmpty());
  const auto again = world.show(ballot_of({replicas[0], replicas[1]}, 2, 0, 6));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(outcome_of(again[0]), Outcome::open);  // they are asked for already
  EXPECT_EQ(again[0].number, 6U);
  world.send(replicas[0]);
  const auto told = world.send(replicas[1]);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].number, 6U);
  EXPECT_EQ(outcome_of(told[0]), Outcome::agreed);
}

TEST(Voter, AnotherRoundOfTheTaskBeginsAnew) {
  World world;
  const std::vector<Replica> forged{{"w1", kRight, kWrong, "a"}, honest("w2", kNear, "b")};
  world.show(ballot_of(forged, 2, 1, 5));
  world.send(forged[0]);
  const auto again = ballot_of({honest("w1", kRight, "a"), honest("w2", kNear, "b")}, 2, 1, 2);
  EXPECT_THAT(world.show(again), IsEmpty());
  world.now += Milliseconds(2000);  // as the hub shows what has no answer
  const auto asked = world.show(again);
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(outcome_of(asked[0]), Outcome::values);
  EXPECT_EQ(asked[0].number, 2U);
  EXPECT_THAT(asked[0].liars, IsEmpty());
}

TEST(Voter, AQuorumOfDigestsWaitsForNoValues) {
  World world;
  world.show(ballot_of({honest("w1", kRight, "a"), honest("w2", kNear, "b")}, 2, 1, 1));
  EXPECT_EQ(world.core.waiting(), 1U);
  const auto told = world.show(ballot_of(
      {honest("w1", kRight, "a"), honest("w2", kNear, "b"), honest("w3", kRight, "a")}, 2, 0, 2));
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(outcome_of(told[0]), Outcome::agreed);
  EXPECT_THAT(names(told[0].members), ElementsAre("w1", "w3"));
  EXPECT_EQ(world.core.waiting(), 1U);  // for what w2's values tell of it
}

TEST(Voter, ValuesThatDoNotComeAreAskedForAgainThenGivenUp) {
  World world;
  const auto replicas = mixed();
  world.show(ballot_of(replicas, 3));
  world.send(replicas[0]);
  EXPECT_THAT(world.pass(Milliseconds(4000)), IsEmpty());
  const auto again = world.pass(Milliseconds(1000));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(outcome_of(again[0]), Outcome::values);
  EXPECT_THAT(names(again[0].members), ElementsAre("w2", "w3"));
  const auto told = world.pass(Milliseconds(120'000));
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(outcome_of(told[0]), Outcome::split);
  EXPECT_THAT(told[0].liars, IsEmpty());
  EXPECT_THAT(told[0].reason, HasSubstr("w2, w3"));
  EXPECT_EQ(world.core.waiting(), 0U);
}

TEST(Voter, ABallotBeyondItsMemoryIsSplitSayingSo) {
  CoreConfig config;
  config.max_value_bytes = 20;
  World world(config);
  const auto told = world.show(ballot_of(mixed(), 2));
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(outcome_of(told[0]), Outcome::split);
  EXPECT_THAT(told[0].reason, HasSubstr("max_value_bytes"));
}

TEST(Voter, ManyBallotsStayWithinItsMemoryAndTheRestIsNotAnswered) {
  CoreConfig config;
  config.max_value_bytes = 100;
  World world(config);
  const auto replicas = mixed();
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    const protocol::TaskKey task{JobId("j" + std::to_string(i)), PlanId("p"), PartitionName("v")};
    answered += static_cast<int>(world.show(ballot_of(replicas, 2, 0, 1, task)).size());
    EXPECT_LE(world.core.reserved_bytes(), 100U);
  }
  EXPECT_EQ(answered, 2);  // 36 bytes each
  const protocol::TaskKey first{JobId("j0"), PlanId("p"), PartitionName("v")};
  for (const Replica& replica : replicas) world.send(replica, first);
  const protocol::TaskKey other{JobId("j7"), PlanId("p"), PartitionName("v")};
  EXPECT_THAT(world.show(ballot_of(replicas, 2, 0, 1, other)), SizeIs(1));
}

TEST(Voter, WhatItDidNotAskForIsDropped) {
  World world;
  const auto replicas = mixed();
  EXPECT_THAT(world.send(replicas[0]), IsEmpty());
  world.show(ballot_of({replicas[0], replicas[1]}, 2, 0));
  EXPECT_THAT(world.send(replicas[2]), IsEmpty());
  EXPECT_THAT(world.step(Received{protocol::Hello{}}), IsEmpty());
  EXPECT_THAT(world.step(Malformed{"rubbish"}), IsEmpty());
  world.send(replicas[0]);
  EXPECT_EQ(outcome_of(world.send(replicas[1]).at(0)), Outcome::agreed);
}

TEST(Voter, ChunksThatAreLostOrDoubledDoNoHarm) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    World world;
    const auto replicas = mixed();
    std::vector<Verdict> verdicts = world.show(ballot_of(replicas, 2));
    std::uint64_t stream = 100;
    for (int rounds = 0; rounds < 1000; ++rounds) {
      if (verdicts.empty()) verdicts = world.pass(Milliseconds(1000));
      if (verdicts.empty()) continue;
      const Verdict last = verdicts.back();
      verdicts.clear();
      if (outcome_of(last) != Outcome::values) {
        EXPECT_EQ(outcome_of(last), Outcome::agreed);
        EXPECT_THAT(names(last.members), ElementsAre("w1", "w2"));
        if (world.core.waiting() == 0) break;
        continue;
      }
      for (const Replica& replica : replicas) {
        protocol::StreamWriter writer(++stream, kTask, epoch_of(replica.name), "out", replica.sent);
        while (auto chunk = writer.next(4)) {
          for (std::uint64_t copies = random.below(8) == 0 ? random.below(3) : 1; copies > 0;
               --copies) {
            for (auto& verdict : world.step(Received{*chunk})) verdicts.push_back(verdict);
          }
        }
      }
    }
    EXPECT_EQ(world.core.waiting(), 0U) << "seed " << seed;
  }
}

// ---- three replicas, one of which lies ----------------------------------------------------------

enum class Lie { wrong, nan, ulp, stale, digest, same_digest_other_bytes, size, count };

Replica liar(Lie lie, const std::string& arithmetic, const Blob& right, const Blob& stale) {
  std::vector<float> values(right.size() / sizeof(float));
  std::memcpy(values.data(), right.data(), right.size());
  switch (lie) {
    case Lie::wrong:
      values[0] += 1;
      break;
    case Lie::nan:
      values[0] = std::numeric_limits<float>::quiet_NaN();
      break;
    case Lie::ulp:
      values[0] = std::nextafter(values[0], 1e9F);
      break;
    case Lie::stale:
      return honest("liar", stale, arithmetic);
    case Lie::digest:
      return {"liar", stale, right, arithmetic};
    case Lie::same_digest_other_bytes:
      return {"liar", right, stale, arithmetic};
    default:
      values.pop_back();
  }
  return honest("liar", floats(values), arithmetic);
}

Blob random_tensor(Random& random, std::size_t size) {
  std::vector<float> values(size);
  for (float& value : values) value = random.uniform(1, 2);
  return floats(values);
}

// Another arithmetic's: a little off everywhere.
Blob rounded(const Blob& right, float by) {
  std::vector<float> values(right.size() / sizeof(float));
  std::memcpy(values.data(), right.data(), right.size());
  for (float& value : values) value *= 1 + by;
  return floats(values);
}

TEST(VoterTruth, OneLiarOfThreeNeverWinsAndIsNamedAndNobodyElseIs) {
  int named = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    const auto lie = static_cast<Lie>(seed % static_cast<std::uint64_t>(Lie::count));
    const std::size_t size = 2 + random.below(20);
    const Blob right = random_tensor(random, size);
    const Blob stale = random_tensor(random, size);
    std::vector<Replica> replicas{honest("w1", right), honest("w2", right),
                                  liar(lie, "a", right, stale)};
    std::swap(replicas[random.below(3)], replicas[random.below(3)]);
    World world;
    const Verdict verdict = world.play(replicas, 2);
    ASSERT_EQ(outcome_of(verdict), Outcome::agreed) << "seed " << seed;
    if (lie == Lie::same_digest_other_bytes) {
      // Nobody looks at its bytes: the hub does, should it take them.
      EXPECT_THAT(verdict.liars, IsEmpty());
      continue;
    }
    EXPECT_THAT(names(verdict.members), ::testing::UnorderedElementsAre("w1", "w2"));
    EXPECT_THAT(names(verdict.liars), ElementsAre("liar")) << "seed " << seed;
    ++named;
  }
  EXPECT_GT(named, 1700);
}

TEST(VoterTruth, OfThreeArithmeticsToo) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    const auto lie = static_cast<Lie>(seed % static_cast<std::uint64_t>(Lie::count));
    const std::size_t size = 2 + random.below(20);
    const Blob right = random_tensor(random, size);
    const Blob stale = random_tensor(random, size);
    const char* arithmetics[] = {"a", "b", "c"};
    std::vector<Replica> replicas{honest("w1", right, "a"),
                                  honest("w2", rounded(right, 2e-6F), "b"),
                                  liar(lie, arithmetics[random.below(3)], right, stale)};
    std::swap(replicas[random.below(3)], replicas[random.below(3)]);
    World world;
    const Verdict verdict = world.play(replicas, 2);
    ASSERT_EQ(outcome_of(verdict), Outcome::agreed) << "seed " << seed;
    for (const WorkerId& worker : verdict.liars) {
      EXPECT_EQ(worker.text, "liar") << "seed " << seed;
    }
    // One ULP is within the tolerance; another's digest is that one's result.
    if (lie == Lie::ulp || lie == Lie::same_digest_other_bytes) continue;
    EXPECT_THAT(names(verdict.liars), ElementsAre("liar")) << "seed " << seed;
    EXPECT_NE(verdict.members.front().text, "liar");
  }
}

}  // namespace
}  // namespace hyps::voter::testing
