// What `hyps chaos` says about answers and events: it must not say that all is well when it is not.
#include <gmock/gmock.h>

#include "services/cli/chaos_load.hpp"
#include "services/cli/chaos_timeline.hpp"

namespace hyps::cli {
namespace {

using nlohmann::json;

json answer(const std::string& digest, int id = 1, double score = 0.5) {
  return {{"state", "done"},
          {"outputs", json::array({{{"digest", digest}}})},
          {"top", json::array({{{"id", id}, {"score", score}}})}};
}

class Load : public testing::Test {
 protected:
  // Asked and answered, so long after.
  void ask(const std::string& job, const json& given, double ms = 0) {
    load_.next(job, ms);
    EXPECT_TRUE(load_.take_answer(job, given, ms + 1));
  }
  ChaosLoad load_{noise_pictures(2)};
};

TEST_F(Load, ComparesEachAnswerWithTheFirstOfItsPicture) {
  ask("a0", answer("x"));
  EXPECT_FALSE(load_.has_learned());
  ask("b0", answer("y", 2));
  EXPECT_TRUE(load_.has_learned());
  ask("a1", answer("x"));
  ask("b1", answer("y", 2));
  EXPECT_EQ(load_.counts().wrong, 0U);
  ask("a2", answer("y", 2));
  EXPECT_EQ(load_.counts().wrong, 1U);
  EXPECT_EQ(load_.counts().answered, 5U);
}

TEST_F(Load, TakesOtherBitsForRightOnlyIfClassAndScoreAreTheSame) {
  EXPECT_TRUE(same_answer(answer("x"), answer("x")));
  EXPECT_TRUE(same_answer(answer("x", 1, 0.5), answer("z", 1, 0.5001)));
  EXPECT_FALSE(same_answer(answer("x", 1, 0.5), answer("z", 1, 0.52)));
  EXPECT_FALSE(same_answer(answer("x", 1, 0.5), answer("z", 2, 0.5)));
  EXPECT_FALSE(same_answer(answer("x"), {{"state", "done"}}));
}

TEST_F(Load, CountsFailuresAndKeepsTheFirstReason) {
  load_.next("a", 0);
  load_.take_answer("a", {{"state", "failed"}, {"error", "too cold"}}, 1);
  EXPECT_EQ(load_.counts().failed, 1U);
  EXPECT_EQ(load_.counts().wrong, 0U);
  EXPECT_EQ(load_.first_error(), "too cold");
}

TEST_F(Load, KnowsWhatIsStillOpenAndTakesAnAnswerOnce) {
  const Question question = load_.next("a", 0);
  ASSERT_EQ(load_.open().size(), 1U);
  EXPECT_EQ(load_.open()[0].job, question.job);
  EXPECT_FALSE(load_.take_answer("somebody else's", answer("x"), 1));
  EXPECT_TRUE(load_.take_answer("a", answer("x"), 1));
  EXPECT_FALSE(load_.take_answer("a", answer("x"), 2));
  EXPECT_TRUE(load_.open().empty());
}

TEST_F(Load, MeasuresPausesAndTheFirstAnswerAfterwards) {
  ask("a", answer("x"), 0);
  ask("b", answer("y"), 10);
  ask("c", answer("x"), 500);
  EXPECT_DOUBLE_EQ(load_.longest_pause(0, 501), 490);
  EXPECT_DOUBLE_EQ(load_.longest_pause(501, 900), 399);
  EXPECT_DOUBLE_EQ(load_.first_answer_after(5), 11);
  EXPECT_LT(load_.first_answer_after(501), 0);
}

TEST(Timeline, TellsWhatWasTakenBackAndComputedAfterAll) {
  ChaosTimeline timeline;
  const auto event = [](const std::string& what, const std::string& worker) {
    return json{{"event", what}, {"job", "j"}, {"partition", "v01"}, {"worker", worker}};
  };
  timeline.take_event(1, event("stored", "w1"));  // nothing special
  timeline.take_event(10, event("recovered", "w1"));
  timeline.take_event(35, event("stored", "w2"));
  ASSERT_EQ(timeline.lines().size(), 2U);
  EXPECT_THAT(timeline.lines()[1].text, testing::HasSubstr("computed by w2, 25.0 ms"));
  EXPECT_EQ(timeline.recovered(), 1U);
  EXPECT_DOUBLE_EQ(timeline.longest_recovery_ms(), 25);
}

TEST(Timeline, TellsChangesOfStatusOnly) {
  ChaosTimeline timeline;
  timeline.take_status(0, "w1", true);
  timeline.take_status(1, "w1", true);
  EXPECT_TRUE(timeline.lines().empty());
  timeline.take_status(2, "w1", false);
  timeline.take_status(3, "w1", true);
  EXPECT_EQ(timeline.lines().size(), 2U);
}

TEST(Timeline, IsBounded) {
  ChaosTimeline timeline;
  for (int i = 0; i < 1500; ++i) timeline.note(i, "again");
  EXPECT_EQ(timeline.lines().size(), 1000U);
  EXPECT_EQ(timeline.left_out(), 500U);
}

}  // namespace
}  // namespace hyps::cli
