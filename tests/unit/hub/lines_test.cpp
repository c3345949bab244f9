// Which of the things that a round publishes share a message.
#include "services/hub/lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hyps::hub {
namespace {

using testing::ElementsAre;

Publish line(const std::string& topic, const std::string& text) {
  return {.topic = topic, .payload = text, .is_line = true};
}
Publish answer(const std::string& topic, const std::string& text) {
  return {.topic = topic, .payload = text, .answer_of = JobId("job")};
}
// "topic payload" of each message.
std::vector<std::string> joined(std::vector<Publish> publications) {
  std::vector<std::string> messages;
  for (const Publish& e : join_lines(std::move(publications))) {
    messages.push_back(e.topic + " " + e.payload);
  }
  return messages;
}

TEST(Lines, OfATopicShareAMessageInTheirOrderAndComeBeforeAnswers) {
  EXPECT_THAT(joined({line("a", "1"), line("b", "2"), answer("o", "x"), line("a", "3"),
                      answer("o", "y"), line("b", "4")}),
              ElementsAre("a 1\n3", "b 2\n4", "o x", "o y"));
}

TEST(Lines, AnswersAreMessagesOfTheirOwnAndKeepWhatTheyAre) {
  const auto messages = join_lines({answer("o", "x"), answer("o", "y")});
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[1].answer_of, JobId("job"));
}

TEST(Lines, AMessageTakesNoMoreThanItsBound) {
  const std::string half(kMostLineBytes / 2, 'x');
  const std::string beyond(2 * kMostLineBytes, 'y');
  const auto messages = join_lines(
      {line("a", half), line("a", beyond), line("a", half), line("a", half), line("a", "z")});
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].payload, half);
  EXPECT_EQ(messages[1].payload, beyond);
  EXPECT_EQ(messages[2].payload, half);
  EXPECT_EQ(messages[3].payload, half + "\nz");
}

}  // namespace
}  // namespace hyps::hub
