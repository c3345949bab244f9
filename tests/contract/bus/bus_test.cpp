// What every bus keeps: one suite for both implementations.
#include "common/bus/bus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>

#include "tests/contract/bus/ear.hpp"
#include "tests/support/mosquitto.hpp"

namespace hyps::bus {
namespace {

using test::Ear;
using test::pattern;
using test::source_of;
using test::text;

struct World {
  virtual ~World() = default;
  // A will topic gets the payload "gone".
  virtual std::unique_ptr<Bus> make(const std::string& id, const std::string& will_topic) = 0;
};

struct MemoryWorld : World {
  std::shared_ptr<MemoryBroker> broker = make_memory_broker();
  std::unique_ptr<Bus> make(const std::string& id, const std::string& will_topic) override {
    return make_memory_bus(broker, id, will_topic, "gone");
  }
};

struct MqttWorld : World {
  hyps::test::Mosquitto mosquitto;
  MqttWorld() { mosquitto.start(); }
  std::unique_ptr<Bus> make(const std::string& id, const std::string& will_topic) override {
    MqttOptions options;
    options.port = mosquitto.port();
    options.client_id = id;
    options.will_topic = will_topic;
    options.will_payload = "gone";
    return make_mqtt_bus(options);
  }
};

// A second client of one process takes Paho 2 s to connect: where one will do, tests use one.
class BusContract : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      world_ = std::make_unique<MqttWorld>();
    } else {
      world_ = std::make_unique<MemoryWorld>();
    }
  }
  std::unique_ptr<Bus> start(const std::string& id, Ear& ear, const std::string& filter = {},
                             const std::string& will_topic = {}) {
    auto bus = world_->make(id, will_topic);
    if (!filter.empty()) bus->subscribe(filter);
    bus->start(ear.handlers());
    EXPECT_TRUE(ear.wait_connected());
    return bus;
  }
  std::unique_ptr<World> world_;
  Ear none_;
};

TEST_P(BusContract, delivers_in_order_to_matching_filters_only) {
  Ear ear;
  Ear other;
  const auto subscriber = start("s", ear, "a/+/x");
  const auto publisher = start("p", other, "a/1/y");
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(publisher->publish(text("a/1/x", std::to_string(i))).ok());
  }
  ASSERT_TRUE(ear.wait_messages(500));
  const auto messages = ear.messages();
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(messages[i].payload.text(), std::to_string(i));
  EXPECT_TRUE(other.messages().empty());
}

TEST_P(BusContract, carries_response_topic_correlation_and_user_properties) {
  Ear ear;
  const auto bus = start("s", ear, "q/#");
  Message question = text("q/1", "?");
  question.response_topic = "r/1";
  question.correlation = std::string("a\0b", 3);
  question.properties = {{"job-id", "j7"}, {"x", "y"}};
  ASSERT_TRUE(bus->publish(question).ok());
  ASSERT_TRUE(ear.wait_messages(1));
  const Message message = ear.messages()[0];
  EXPECT_EQ(message.response_topic, "r/1");
  EXPECT_EQ(message.correlation, std::string("a\0b", 3));
  EXPECT_EQ(message.property("job-id"), "j7");
  EXPECT_EQ(message.property("x"), "y");
  EXPECT_EQ(message.property("z"), "");
  EXPECT_FALSE(message.retained);
}

TEST_P(BusContract, keeps_retained_messages_for_late_subscribers_until_an_empty_one) {
  const auto publisher = start("p", none_);
  Message state = text("state", "on");
  state.retained = true;
  ASSERT_TRUE(publisher->publish(state).ok());
  publisher->stop(10'000);  // the broker has it
  {
    Ear ear;
    const auto subscriber = start("s", ear, "state");
    ASSERT_TRUE(ear.wait_messages(1));
    EXPECT_EQ(ear.messages()[0].payload.text(), "on");
    EXPECT_TRUE(ear.messages()[0].retained);
    state.payload = {};
    ASSERT_TRUE(subscriber->publish(state).ok());
    ASSERT_TRUE(ear.wait_messages(2));
    EXPECT_FALSE(ear.messages()[1].retained);
  }
  Ear late;
  const auto subscriber = start("l", late, "#");
  ASSERT_TRUE(subscriber->publish(text("after", "x")).ok());
  ASSERT_TRUE(late.wait_messages(1));
  EXPECT_EQ(late.messages()[0].topic, "after");
}

TEST_P(BusContract, the_will_of_one_that_vanishes_is_published_and_of_one_that_stops_is_not) {
  auto stopping = start("t", none_, {}, "will/t");
  stopping->stop(100);
  stopping.reset();
  Ear other;
  auto vanishing = start("v", other, {}, "will/v");
  vanishing.reset();
  Ear ear;
  const auto later = start("l", ear, "will/#");
  ASSERT_TRUE(later->publish(text("will/end", "")).ok());
  ASSERT_TRUE(ear.wait_messages(2));
  EXPECT_EQ(ear.messages()[0].topic, "will/v");
  EXPECT_EQ(ear.messages()[0].payload.text(), "gone");
  EXPECT_TRUE(ear.messages()[0].retained);
  EXPECT_EQ(ear.messages()[1].topic, "will/end");
}

TEST_P(BusContract, two_large_maps_arrive_whole_while_control_messages_go_through) {
  Ear ear;
  const auto bus = start("s", ear, "map/#");
  const std::string a = pattern(13'000'000, 1);
  const std::string b = pattern(13'000'001, 2);
  ASSERT_TRUE(bus->send("map/a", source_of(a)).ok());
  ASSERT_TRUE(bus->send("map/b", source_of(b)).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(bus->publish(text("map/c", "!")).ok());
  const auto bytes_of = [](const Ear::Messages& messages) {
    std::size_t bytes = 0;
    for (const auto& m : messages) bytes += m.payload.size();
    return bytes;
  };
  const std::size_t all = a.size() + b.size() + 20;
  ASSERT_TRUE(ear.wait([&](const auto& messages) { return bytes_of(messages) >= all; }));
  std::map<std::string, std::string> maps;
  for (const auto& m : ear.messages()) maps[m.topic].append(m.payload.text());
  EXPECT_TRUE(maps["map/a"] == a);
  EXPECT_TRUE(maps["map/b"] == b);
  EXPECT_EQ(maps["map/c"].size(), 20U);
}

TEST_P(BusContract, tells_what_a_link_carries_once_it_has_carried_something) {
  Ear ear;
  const auto bus = start("s", ear, "map/#");
  EXPECT_EQ(bus->link_rates().sending, 0);
  EXPECT_EQ(bus->link_rates().arriving, 0);
  const bool has_link = GetParam();
  const auto is_known = [&] {
    return bus->link_rates().sending > 0 && bus->link_rates().arriving > 0;
  };
  const std::string map = pattern(4'000'000, 1);
  std::size_t bytes = 0;
  for (int i = 0; i < (has_link ? 50 : 1) && !is_known(); ++i) {
    ASSERT_TRUE(bus->send("map/a", source_of(map)).ok());
    bytes += map.size();
    ASSERT_TRUE(ear.wait([&](const auto& messages) {
      std::size_t there = 0;
      for (const auto& m : messages) there += m.payload.size();
      return there >= bytes;
    }));
  }
  EXPECT_EQ(is_known(), has_link);
}

TEST_P(BusContract, a_source_that_has_nothing_yet_is_asked_again_when_woken) {
  Ear ear;
  const auto bus = start("s", ear, "map/#");
  const auto there = std::make_shared<std::atomic<int>>(0);
  const auto source = [there, given = 0](std::size_t) mutable -> std::optional<Blob> {
    if (given == 3) return std::nullopt;
    if (given == there->load()) return Blob();
    return Blob::copy_of(std::to_string(given++));
  };
  ASSERT_TRUE(bus->send("map/slow", source).ok());
  ASSERT_TRUE(bus->send("map/quick", source_of("q")).ok());
  ASSERT_TRUE(ear.wait_messages(1));
  EXPECT_EQ(ear.messages()[0].topic, "map/quick") << "nobody waits for the slow one";
  for (std::size_t i = 1; i <= 3; ++i) {
    there->store(static_cast<int>(i));
    bus->wake();
    ASSERT_TRUE(ear.wait_messages(1 + i));
    EXPECT_EQ(ear.messages()[i].payload.text(), std::to_string(i - 1));
  }
}

TEST_P(BusContract, an_image_of_16_megabytes_goes_as_one_message) {
  Ear ear;
  const auto bus = start("s", ear, "image");
  const std::string image = pattern(16U << 20U, 3);
  ASSERT_TRUE(bus->publish(text("image", image)).ok());
  ASSERT_TRUE(ear.wait_messages(1));
  EXPECT_TRUE(ear.messages()[0].payload.text() == image);
}

TEST_P(BusContract, sends_what_was_published_before_the_start) {
  Ear ear;
  const auto bus = world_->make("early", {});
  bus->subscribe("t");
  ASSERT_TRUE(bus->publish(text("t", "early")).ok());
  EXPECT_EQ(bus->send("t", source_of("x")).error().kind, ErrorKind::disconnected);
  bus->start(ear.handlers());
  ASSERT_TRUE(ear.wait_messages(1));
  EXPECT_EQ(ear.messages()[0].payload.text(), "early");
}

TEST_P(BusContract, stopping_waits_for_what_was_published_and_takes_no_more) {
  auto publisher = start("p", none_);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(publisher->publish(text("t", "x")).ok());
  Message last = text("last", "there");
  last.retained = true;
  ASSERT_TRUE(publisher->publish(last).ok());
  publisher->stop(20'000);
  EXPECT_EQ(publisher->publish(text("t", "x")).error().kind, ErrorKind::disconnected);
  EXPECT_EQ(publisher->send("t", source_of("x")).error().kind, ErrorKind::disconnected);
  Ear ear;
  const auto subscriber = start("s", ear, "last");
  EXPECT_TRUE(ear.wait_messages(1));
}

TEST_P(BusContract, says_once_of_each_message_that_it_is_settled) {
  Ear ear;
  const auto bus = start("p", ear, "t");
  std::array<std::atomic<int>, 20> settled{};
  for (auto& count : settled) {
    Message message = text("t", "x");
    message.settled = [&count] { ++count; };
    ASSERT_TRUE(bus->publish(std::move(message)).ok());
  }
  ASSERT_TRUE(ear.wait_messages(settled.size()));
  bus->stop(20'000);
  for (const auto& count : settled) EXPECT_EQ(count.load(), 1);
}

TEST_P(BusContract, refuses_topics_that_are_none) {
  const auto bus = start("p", none_);
  for (const char* topic : {"", "a/+", "a/#"}) {
    EXPECT_EQ(bus->publish(text(topic, "x")).error().kind, ErrorKind::invalid) << topic;
    EXPECT_EQ(bus->send(topic, source_of("x")).error().kind, ErrorKind::invalid) << topic;
  }
}

TEST_P(BusContract, a_wrong_filter_does_not_spoil_the_right_ones) {
  Ear ear;
  const auto bus = world_->make("s", {});
  for (const char* filter : {"a/#/b", "", "a+", "right"}) bus->subscribe(filter);
  bus->start(ear.handlers());
  ASSERT_TRUE(ear.wait_connected());
  ASSERT_TRUE(bus->publish(text("right", "x")).ok());
  EXPECT_TRUE(ear.wait_messages(1));
}

INSTANTIATE_TEST_SUITE_P(All, BusContract, testing::Bool(),
                         [](const auto& mqtt) { return mqtt.param ? "Mqtt" : "Memory"; });

}  // namespace
}  // namespace hyps::bus
