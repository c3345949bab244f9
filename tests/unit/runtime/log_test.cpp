#include "common/runtime/log.hpp"

#include <gmock/gmock.h>

#include "common/runtime/rate_limit.hpp"

namespace hyps::runtime {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(Log, writes_key_and_value_and_quotes_only_where_needed) {
  EXPECT_EQ(log_line("job.accepted", {{"job", "4f2a"}, {"model", "cifar"}}),
            "job.accepted job=4f2a model=cifar");
  EXPECT_EQ(log_line("x", {{"a", ""}, {"b", "two words"}, {"c", "k=v"}, {"d", "\"q\""}}),
            R"(x a="" b="two words" c="k=v" d="\"q\"")");
}

TEST(Log, what_strangers_send_cannot_forge_a_line) {
  EXPECT_EQ(log_line("x", {{"a", "1\n2026 error forged"}}), "x a=\"1 2026 error forged\"");
  EXPECT_EQ(log_line("x", {{"a", "\x1b[31m"}}), "x a=\" [31m\"");
}

TEST(Log, a_line_has_time_level_service_and_event) {
  set_log_service("worker w1");
  testing::internal::CaptureStderr();
  log_warn("disk.full", {{"free", "0"}});
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              ContainsRegex("^[0-9-]+T[0-9:.]+ warn[a-z]* worker w1 disk\\.full free=0\n$"));
}

TEST(Log, below_the_level_is_left_out) {
  testing::internal::CaptureStderr();
  set_log_level("warn");
  log_info("quiet");
  log_error("loud");
  set_log_level("info");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
  EXPECT_THAT(text, HasSubstr("loud"));
}

TEST(RateLimit, admits_a_burst_a_second_and_then_says_what_was_left_out) {
  RateLimit limit(2);
  EXPECT_EQ(limit.admit("a", Milliseconds(0)), 0U);
  EXPECT_EQ(limit.admit("a", Milliseconds(1)), 0U);
  EXPECT_EQ(limit.admit("a", Milliseconds(2)), std::nullopt);
  EXPECT_EQ(limit.admit("a", Milliseconds(999)), std::nullopt);
  EXPECT_EQ(limit.admit("b", Milliseconds(999)), 0U);
  EXPECT_EQ(limit.admit("a", Milliseconds(1000)), 2U);
  EXPECT_EQ(limit.admit("a", Milliseconds(1001)), 0U);
}

TEST(RateLimit, of_endlessly_many_names_stays_bounded_and_working) {
  RateLimit limit(1);
  for (int i = 0; i < 100'000; ++i) limit.admit(std::to_string(i), Milliseconds(0));
  EXPECT_EQ(limit.admit("fresh", Milliseconds(0)), 0U);
  EXPECT_EQ(limit.admit("fresh", Milliseconds(0)), std::nullopt);
}

}  // namespace
}  // namespace hyps::runtime
