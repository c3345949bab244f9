// Topic rules, what is reported how often, and the probe.
#include "common/bus/bus.hpp"

#include <gmock/gmock.h>

#include "common/bus/probe.hpp"
#include "common/bus/reporter.hpp"
#include "tests/support/process.hpp"

namespace hyps::bus {
namespace {

using testing::ElementsAre;

TEST(Topics, filters_match_as_mqtt_says) {
  for (const auto& [filter, topic] : std::vector<std::pair<const char*, const char*>>{
           {"a/b", "a/b"},
           {"a/+/c", "a/b/c"},
           {"a/+/c", "a//c"},
           {"a/#", "a/b/c"},
           {"a/#", "a"},
           {"+", "a"},
           {"#", "a/b"},
           {"+/+", "/a"},
           {"/+", "/a"},
           {"a/+", "a/"},
           {"a/+/#", "a/b"},
           {"$SYS/#", "$SYS/x"},
           {"hyps/+/+/status", "hyps/worker/w1/status"}}) {
    EXPECT_TRUE(matches(filter, topic)) << filter << " " << topic;
  }
  for (const auto& [filter, topic] :
       std::vector<std::pair<const char*, const char*>>{{"+", "a/b"},
                                                        {"a/b", "a/bc"},
                                                        {"a/bc", "a/b"},
                                                        {"a/+", "a"},
                                                        {"+", "/a"},
                                                        {"a", "a/"},
                                                        {"a/#", "ab"},
                                                        {"a/b/#", "a"},
                                                        {"#", "$SYS/x"},
                                                        {"+/x", "$SYS/x"},
                                                        {"A", "a"},
                                                        {"hyps/+/input", "hyps/a/b/input"}}) {
    EXPECT_FALSE(matches(filter, topic)) << filter << " " << topic;
  }
}

TEST(Topics, filters_that_mqtt_does_not_know_are_invalid) {
  for (const char* filter : {"a", "a/b", "+", "#", "a/+/b", "a/#", "/", "+/#", "$SYS/#"}) {
    EXPECT_TRUE(is_valid_filter(filter)) << filter;
  }
  for (const char* filter : {"", "a#", "a/#/b", "#/a", "a+", "+a", "a/b+/c", "##"}) {
    EXPECT_FALSE(is_valid_filter(filter)) << filter;
  }
  EXPECT_FALSE(is_valid_filter(std::string("a\0b", 3)));
  EXPECT_FALSE(is_valid_filter(std::string(65'536, 'a')));
}

TEST(Topics, to_publish_to_have_no_wildcards) {
  EXPECT_TRUE(is_valid_topic("a/b"));
  for (const char* topic : {"", "a/+", "#", "a#"}) EXPECT_FALSE(is_valid_topic(topic)) << topic;
}

class Reports : public testing::Test {
 protected:
  std::vector<std::string> lines_;
  Reporter reporter_{[this](std::string_view event, const auto& fields) {
                       std::string line(event);
                       for (const auto& [key, value] : fields) line.append(" ").append(value);
                       lines_.push_back(line);
                     },
                     "pi:1883"};
};

TEST_F(Reports, of_waiting_come_once_then_every_ten_seconds_or_for_another_reason) {
  for (int ms = 0; ms < 25'000; ms += 20) reporter_.waiting("refused", Milliseconds(ms));
  reporter_.waiting("no route", Milliseconds(25'000));
  reporter_.connected();
  reporter_.connected();
  EXPECT_THAT(lines_, ElementsAre("bus.waiting pi:1883 refused", "bus.waiting pi:1883 refused",
                                  "bus.waiting pi:1883 refused", "bus.waiting pi:1883 no route",
                                  "bus.connected pi:1883"));
}

TEST_F(Reports, of_dropped_messages_come_once_a_second_and_count_the_rest) {
  for (int ms = 0; ms <= 1000; ms += 10) reporter_.dropped("t", "too large", Milliseconds(ms));
  EXPECT_THAT(lines_, ElementsAre("bus.message_dropped t too large 0",
                                  "bus.message_dropped t too large 99"));
}

TEST(Probe, says_whether_somebody_listens) {
  const int port = free_port().value();
  const Status nobody = probe("127.0.0.1", port, 1000);
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().kind, ErrorKind::disconnected);
  EXPECT_THAT(nobody.error().message, testing::HasSubstr(std::to_string(port)));
  EXPECT_FALSE(probe("no-such-host.invalid", port, 1000).ok());
}

}  // namespace
}  // namespace hyps::bus
