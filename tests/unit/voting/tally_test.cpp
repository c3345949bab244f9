#include "common/voting/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/voting/votes.hpp"

namespace hyps::voting::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Blob kRight = floats({1, 2, 3});
const Blob kUlp = floats({1, std::nextafter(2.0F, 3.0F), 3});
const Blob kWrong = floats({1, 2, 9});

Evidence values(const std::vector<Blob>& blobs) {
  Evidence evidence;
  for (const Blob& blob : blobs) evidence.values[digest_of(blob.bytes())] = blob;
  return evidence;
}

TEST(Tally, AQuorumOfEqualBitsAgreesAtOnce) {
  const auto verdict = tally(ballot(2, {vote("w1", kRight), vote("w2", kRight)}, 1), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_THAT(verdict.liars, IsEmpty());
  EXPECT_EQ(verdict.number, 7U);
}

TEST(Tally, OneVoteWaitsForOthers) {
  EXPECT_EQ(outcome_of(tally(ballot(2, {vote("w1", kRight)}, 2), {})), Outcome::open);
  EXPECT_EQ(outcome_of(tally(ballot(2, {}, 3), {})), Outcome::open);
  EXPECT_EQ(outcome_of(tally(ballot(2, {vote("w1", kRight)}, 0), {})), Outcome::split);
}

TEST(Tally, OneUlpOfTheSameArithmeticIsALie) {
  const auto two = tally(ballot(2, {vote("w1", kUlp), vote("w2", kRight)}, 1), {});
  EXPECT_EQ(outcome_of(two), Outcome::open);
  EXPECT_THAT(two.liars, IsEmpty());
  const auto three =
      tally(ballot(2, {vote("w1", kUlp), vote("w2", kRight), vote("w3", kRight)}), {});
  EXPECT_EQ(outcome_of(three), Outcome::agreed);
  EXPECT_THAT(names(three.members), ElementsAre("w2", "w3"));
  EXPECT_THAT(names(three.liars), ElementsAre("w1"));
  EXPECT_THAT(three.reason, HasSubstr("w1 differs from w2"));
}

TEST(Tally, OtherTensorsOrSizesDifferWhateverTheArithmetic) {
  Vote renamed = vote("w1", kRight, "b");
  renamed.outputs[0].tensor = "other";
  Vote shorter = vote("w1", floats({1, 2}), "b");
  Vote none = vote("w1", kRight, "b");
  none.outputs.clear();
  for (const Vote& bad : {renamed, shorter, none}) {
    const auto verdict = tally(ballot(2, {bad, vote("w2", kRight), vote("w3", kRight)}), {});
    EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
    EXPECT_THAT(names(verdict.liars), ElementsAre("w1"));
  }
}

TEST(Tally, TheOrderOfOutputsMeansNothing) {
  Vote one = vote("w1", kRight);
  one.outputs.push_back({"more", 4, digest_of("more")});
  Vote two = one;
  two.worker = WorkerId("w2");
  std::swap(two.outputs[0], two.outputs[1]);
  EXPECT_EQ(outcome_of(tally(ballot(2, {one, two}), {})), Outcome::agreed);
}

TEST(Tally, AmongOtherArithmeticTheValuesTell) {
  const auto votes = {vote("w1", kRight, "a"), vote("w2", kUlp, "b"), vote("w3", kWrong, "c")};
  const auto asked = tally(ballot(2, votes), {});
  EXPECT_EQ(outcome_of(asked), Outcome::values);
  EXPECT_THAT(names(asked.members), ElementsAre("w1", "w2", "w3"));
  const auto verdict = tally(ballot(2, votes), values({kRight, kUlp, kWrong}));
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_THAT(names(verdict.liars), ElementsAre("w3"));
  EXPECT_THAT(verdict.reason, HasSubstr("largest difference 6"));
}

TEST(Tally, EqualResultsAreAskedForOnce) {
  const auto votes = {vote("w1", kRight, "a"), vote("w2", kUlp, "b"), vote("w3", kRight, "a")};
  const auto verdict = tally(ballot(3, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::values);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_EQ(outcome_of(tally(ballot(3, votes), values({kRight, kUlp}))), Outcome::agreed);
}

TEST(Tally, OtherArithmeticIsNotJudgedWhereDigestsDo) {
  const auto votes = {vote("w1", kRight, "a"), vote("w2", kRight, "a"), vote("w3", kWrong, "b")};
  const auto verdict = tally(ballot(2, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_THAT(verdict.liars, IsEmpty());
  const auto later = tally(ballot(2, votes), values({kRight, kWrong}));
  EXPECT_THAT(names(later.liars), ElementsAre("w3"));
}

// w2 has arithmetic a in truth, and its right bits; honest w3 must not pay for that.
TEST(InDoubt, OneMemberAndWhoeverOnlyValuesCanTellOf) {
  const auto votes = ballot(2, {vote("w1", kRight, "a"), vote("w2", kRight, "a"),
                                vote("w3", kUlp, "b"), vote("w4", kUlp, "c", false)});
  EXPECT_THAT(names(in_doubt(votes, {})), ElementsAre("w1", "w3"));  // one of each result
  EXPECT_THAT(names(in_doubt(votes, values({kUlp}))), ElementsAre("w1"));
  EXPECT_THAT(in_doubt(votes, values({kRight, kUlp})), IsEmpty());
}

TEST(InDoubt, NobodyWithoutAQuorumOrOfItsArithmetic) {
  EXPECT_THAT(in_doubt(ballot(2, {vote("w1", kRight, "a"), vote("w2", kUlp, "b")}), {}), IsEmpty());
  EXPECT_THAT(in_doubt(ballot(2, {vote("w1", kRight), vote("w2", kRight), vote("w3", kUlp)}), {}),
              IsEmpty());
}

// w4 differs from its like; whether from the whole quorum, its values tell.
TEST(InDoubt, WhoDiffersFromSomeMembersOnly) {
  const Blob near = floats({1, 2, 3.0001F});
  const auto votes = ballot(3, {vote("w1", kRight, "a"), vote("w2", kRight, "a"),
                                vote("w3", near, "b"), vote("w4", kWrong, "a")});
  Evidence evidence = values({kRight, near});
  EXPECT_THAT(names(in_doubt(votes, evidence)), ElementsAre("w4"));
  EXPECT_THAT(tally(votes, evidence).liars, IsEmpty());
  evidence.values[digest_of(kWrong.bytes())] = kWrong;
  EXPECT_THAT(in_doubt(votes, evidence), IsEmpty());
  EXPECT_THAT(names(tally(votes, evidence).liars), ElementsAre("w4"));
}

TEST(Tally, WhoLiesAboutItsArithmeticAccusesNobody) {
  const auto votes = {vote("w1", kRight, "a"), vote("w2", kRight, "b"), vote("w3", kUlp, "b")};
  const auto verdict = tally(ballot(2, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(verdict.liars, IsEmpty());
}

// w1, w2 and w3 are honest; w3 has crashed. w4 and w5 lie a little, away from w2.
TEST(Tally, ACliqueThatLiarsPulledAwayAccusesNobody) {
  const Blob near = floats({1, 2, 3 - 2e-4F});
  const Blob far = floats({1, 2, 3 + 2e-4F});
  const auto votes = {vote("w1", kRight, "a"), vote("w2", far, "b"), vote("w4", near, "c"),
                      vote("w5", near, "d")};
  const auto verdict = tally(ballot(3, votes), values({kRight, near, far}));
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w4", "w5"));
  EXPECT_THAT(verdict.liars, IsEmpty());
}

TEST(Tally, NearnessIsNotPassedOn) {
  const Blob low = floats({1, 2, 3 - 2e-4F});
  const Blob high = floats({1, 2, 3 + 2e-4F});
  const auto votes = {vote("w1", low, "a"), vote("w2", kRight, "b"), vote("w3", high, "c")};
  const Evidence evidence = values({low, kRight, high});
  EXPECT_EQ(outcome_of(tally(ballot(3, votes), evidence)), Outcome::split);
  const auto verdict = tally(ballot(2, votes), evidence);
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_THAT(verdict.liars, IsEmpty());
}

TEST(Tally, TwoGroupsThatContradictEachOtherAccuseNobody) {
  const auto votes = {vote("w1", kRight), vote("w2", kRight), vote("w3", kWrong),
                      vote("w4", kWrong)};
  const auto verdict = tally(ballot(2, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::split);
  EXPECT_THAT(verdict.liars, IsEmpty());
  EXPECT_THAT(verdict.members, IsEmpty());
}

TEST(Tally, TwoGroupsOfOtherArithmeticAreBothRight) {
  const auto votes = {vote("w1", kRight, "a"), vote("w2", kRight, "a"), vote("w3", kUlp, "b"),
                      vote("w4", kUlp, "b")};
  const auto verdict = tally(ballot(2, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_THAT(verdict.liars, IsEmpty());
}

TEST(Tally, ShadowsAreComparedAndDoNotCount) {
  const Vote shadow = vote("w1", kRight, "a", false);
  EXPECT_EQ(outcome_of(tally(ballot(2, {shadow, vote("w2", kRight)}), {})), Outcome::split);
  const auto verdict = tally(
      ballot(2, {shadow, vote("w2", kRight), vote("w3", kRight), vote("w4", kWrong, "a", false)}),
      {});
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w2", "w3", "w1"));
  EXPECT_THAT(names(verdict.liars), ElementsAre("w4"));
}

TEST(Tally, BytesThatTheDigestDoesNotNameAreALieAndNoVote) {
  Evidence evidence;
  evidence.forgers = {WorkerId("w1")};
  const auto votes = {vote("w1", kRight), vote("w2", kRight), vote("w3", kRight)};
  const auto verdict = tally(ballot(2, votes), evidence);
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w2", "w3"));
  EXPECT_THAT(names(verdict.liars), ElementsAre("w1"));
  EXPECT_EQ(outcome_of(tally(ballot(3, votes), evidence)), Outcome::split);
}

TEST(Tally, NobodyVotesTwice) {
  const auto verdict = tally(ballot(2, {vote("w1", kRight), vote("w1", kRight)}, 1), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::open);
}

TEST(Tally, UnknownArithmeticIsLikeNoOther) {
  const auto votes = {vote("w1", kRight, ""), vote("w2", kUlp, "")};
  EXPECT_EQ(outcome_of(tally(ballot(2, votes), {})), Outcome::values);
  EXPECT_EQ(outcome_of(tally(ballot(2, votes), values({kRight, kUlp}))), Outcome::agreed);
}

TEST(Tally, MoreVotesThanCanBeComparedAreSaid) {
  std::vector<Vote> votes;
  for (int i = 0; i < 17; ++i) votes.push_back(vote("w" + std::to_string(i), kRight));
  const auto verdict = tally(ballot(9, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::split);
  EXPECT_THAT(verdict.reason, HasSubstr("16"));
}

// What no vote can promise; written down so that nobody expects it.
TEST(Tally, TwoOfThreeThatColludeAreBelieved) {
  const auto votes = {vote("w1", kWrong), vote("w2", kWrong), vote("w3", kRight)};
  const auto verdict = tally(ballot(2, votes), {});
  EXPECT_EQ(outcome_of(verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict.members), ElementsAre("w1", "w2"));
  EXPECT_THAT(names(verdict.liars), ElementsAre("w3"));
}

}  // namespace
}  // namespace hyps::voting::testing
