// What every pulse keeps: one suite for both implementations.
#include "common/bus/pulse.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/base/port.hpp"
#include "tests/support/mosquitto.hpp"

namespace hyps::bus {
namespace {

using namespace std::chrono_literals;

struct Heard {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<std::string, std::string>> messages;

  Pulse::Handler handler() {
    return [this](std::string topic, const Blob& payload) {
      const std::lock_guard lock(mutex);
      messages.emplace_back(std::move(topic), payload.text());
      changed.notify_all();
    };
  }
};

class PulseContract : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) mosquitto_.start();
  }
  std::unique_ptr<Pulse> make(const std::string& id) {
    if (!GetParam()) return make_memory_pulse(broker_);
    MqttOptions options;
    options.port = mosquitto_.port();
    options.client_id = id;
    return make_mqtt_pulse(options);
  }
  // Until somebody hears it: what is sent before there is a connection is lost.
  static bool send_until_heard(Pulse& from, Heard& to, const std::string& payload) {
    for (int i = 0; i < 3000; ++i) {
      (void)from.send("a/1/beat", Blob::copy_of(std::string_view(payload)));
      std::unique_lock lock(to.mutex);
      const bool heard = to.changed.wait_for(
          lock, 10ms, [&] { return !to.messages.empty() && to.messages.back().second == payload; });
      if (heard) return true;
    }
    return false;
  }

  hyps::test::Mosquitto mosquitto_;
  std::shared_ptr<MemoryBroker> broker_ = make_memory_broker();
};

TEST_P(PulseContract, what_is_sent_now_is_heard_by_those_who_listen) {
  Heard heard;
  Heard other;
  const auto listener = make("l");
  const auto elsewhere = make("e");
  const auto sender = make("s");
  listener->start("a/+/beat", heard.handler());
  elsewhere->start("b/+/beat", other.handler());
  sender->start({}, {});
  ASSERT_TRUE(send_until_heard(*sender, heard, "1"));
  EXPECT_EQ(heard.messages.back().first, "a/1/beat");
  EXPECT_TRUE(other.messages.empty());
}

TEST_P(PulseContract, before_it_is_started_it_sends_nothing) {
  const auto pulse = make("s");
  EXPECT_FALSE(pulse->send("a/1/beat", Blob::copy_of(std::string_view("x"))));
}

TEST_P(PulseContract, an_empty_payload_is_one_too) {
  Heard heard;
  const auto listener = make("l");
  const auto sender = make("s");
  listener->start("a/+/beat", heard.handler());
  sender->start({}, {});
  EXPECT_TRUE(send_until_heard(*sender, heard, ""));
}

TEST_P(PulseContract, none_is_heard_after_it_is_gone) {
  Heard heard;
  auto listener = make("l");
  const auto sender = make("s");
  listener->start("a/+/beat", heard.handler());
  sender->start({}, {});
  ASSERT_TRUE(send_until_heard(*sender, heard, "1"));
  listener.reset();
  const std::size_t before = heard.messages.size();
  for (int i = 0; i < 10; ++i) {
    (void)sender->send("a/1/beat", Blob::copy_of(std::string_view("2")));
  }
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(heard.messages.size(), before);
}

INSTANTIATE_TEST_SUITE_P(Memory, PulseContract, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Mqtt, PulseContract, testing::Values(true));

TEST(MqttPulse, ComesBackWithTheBroker) {
  hyps::test::Mosquitto mosquitto;
  mosquitto.start();
  MqttOptions options;
  options.port = mosquitto.port();
  options.client_id = "l";
  Heard heard;
  const auto listener = make_mqtt_pulse(options);
  options.client_id = "s";
  const auto sender = make_mqtt_pulse(options);
  listener->start("a/+/beat", heard.handler());
  sender->start({}, {});
  const auto send_until = [&](const std::string& payload) {
    for (int i = 0; i < 3000; ++i) {
      (void)sender->send("a/1/beat", Blob::copy_of(std::string_view(payload)));
      std::this_thread::sleep_for(10ms);
      const std::lock_guard lock(heard.mutex);
      if (!heard.messages.empty() && heard.messages.back().second == payload) return true;
    }
    return false;
  };
  ASSERT_TRUE(send_until("before"));
  mosquitto.kill();
  mosquitto.start();
  EXPECT_TRUE(send_until("after"));
}

TEST(MqttPulse, WithoutABrokerItSendsNothingAndEnds) {
  MqttOptions options;
  options.port = free_port().value();
  options.client_id = "s";
  const auto sender = make_mqtt_pulse(options);
  sender->start({}, {});
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(sender->send("a/1/beat", Blob{}));
}

}  // namespace
}  // namespace hyps::bus
