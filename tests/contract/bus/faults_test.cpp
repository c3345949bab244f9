// The MQTT bus against brokers that hang, reset connections, or never answer.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/bus/bus.hpp"
#include "tests/contract/bus/fake_broker.hpp"

namespace hyps::bus {
namespace {

using namespace std::chrono_literals;
using test::FakeBroker;

std::unique_ptr<Bus> bus_at(const FakeBroker& broker) {
  MqttOptions options;
  options.port = broker.port();
  options.client_id = "c";
  return make_mqtt_bus(options);
}

Handlers no_handlers() {
  return {.message = [](Message) {}, .connected = [] {}, .disconnected = [](const std::string&) {}};
}

// Polls; generous, because it is only ever reached on failure.
template <typename Condition>
bool within_30s(Condition condition) {
  for (int i = 0; i < 3000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
  return condition();
}

TEST(MqttBusFaults, a_broker_that_never_answers_ended_the_process_by_an_exception) {
  FakeBroker broker([](int) { return FakeBroker::Mood::silent; });
  const auto bus = bus_at(broker);
  bus->start(no_handlers());
  EXPECT_TRUE(within_30s([&] { return broker.connections() >= 2; }));  // gave up and tried again
  bus->stop(100);
}

TEST(MqttBusFaults, stop_waited_for_a_broker_that_never_answers) {
  FakeBroker broker([](int) { return FakeBroker::Mood::silent; });
  const auto bus = bus_at(broker);
  bus->start(no_handlers());
  ASSERT_TRUE(within_30s([&] { return broker.connections() >= 1; }));
  bus->stop(100);
  EXPECT_EQ(broker.connections(), 1);  // the five seconds for an answer were not over
}

TEST(MqttBusFaults, stop_ends_while_the_broker_owes_answers) {
  FakeBroker broker([](int) { return FakeBroker::Mood::deaf; });
  const auto bus = bus_at(broker);
  bus->start(no_handlers());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(bus->publish({.topic = "t", .payload = Blob::copy_of("x")}).ok());
  }
  ASSERT_TRUE(within_30s([&] { return broker.connections() >= 1; }));
  bus->stop(100);
}

TEST(MqttBusFaults, a_message_whose_write_failed_was_taken_for_refused_and_lost) {
  for (int round = 0; round < 4; ++round) {
    FakeBroker broker(
        [](int n) { return n < 4 ? FakeBroker::Mood::rude : FakeBroker::Mood::kind; });
    const auto bus = bus_at(broker);
    std::vector<std::string> sent;
    for (int i = 0; i < 40; ++i) {
      sent.push_back(std::to_string(i));
      ASSERT_TRUE(bus->publish({.topic = "t", .payload = Blob::copy_of(sent.back())}).ok());
    }
    bus->start(no_handlers());
    EXPECT_TRUE(within_30s([&] { return broker.taken().size() >= sent.size(); }));
    EXPECT_EQ(broker.taken(), sent) << "round " << round;
    bus->stop(100);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace hyps::bus
