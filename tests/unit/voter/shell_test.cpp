// The whole voter on an in-memory bus.
#include "services/voter/shell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/base/bounded_queue.hpp"
#include "common/base/random.hpp"
#include "services/voter/options.hpp"
#include "tests/unit/voter/world.hpp"
#include "tests/unit/worker/fake_hub.hpp"

namespace hyps::voter::testing {
namespace {

using ::testing::ElementsAre;

class VoterShell : public ::testing::Test {
 protected:
  void SetUp() override {
    watcher_->subscribe(status_topic_);
    watcher_->start(
        {[this](bus::Message message) { statuses_.push(std::string(message.payload.text())); },
         {},
         {}});
    shell_ = std::make_unique<Shell>(
        CoreConfig{}, bus::make_memory_bus(broker_, "voter", status_topic_, protocol::kOffline));
    thread_ = std::thread([this] { shell_->run(stopped_); });
    ASSERT_TRUE(hub_.greet<protocol::VoterHello>().has_value());
  }
  void TearDown() override {
    stop();
    statuses_.close();
    watcher_->stop(0);
  }
  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::string next_status() {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    return statuses_.pop_until(patience).value_or("nothing");
  }

  const std::string status_topic_ = protocol::status_topic("voter", "voter");
  std::shared_ptr<bus::MemoryBroker> broker_ = bus::make_memory_broker();
  BoundedQueue<std::string> statuses_{100};
  std::unique_ptr<bus::Bus> watcher_ = bus::make_memory_bus(broker_, "watcher");
  hyps::testing::FakeHub hub_{broker_, {protocol::Role::voter, "voter"}};
  std::unique_ptr<Shell> shell_;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

TEST_F(VoterShell, SaysThatItIsThereAndThatItGoes) {
  EXPECT_EQ(next_status(), "online");
  stop();
  EXPECT_EQ(next_status(), "offline");
}

TEST_F(VoterShell, TellsByDigestsAndByValues) {
  const Blob right = floats({1, 2, 3});
  hub_.send(ballot_of({honest("w1", right), honest("w2", right)}, 2));
  auto verdict = hub_.next<Verdict>();
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(outcome_of(*verdict), Outcome::agreed);
  const std::vector<Replica> mixed{honest("w1", right, "a"),
                                   honest("w2", floats({1, 2, 3.0001F}), "b"),
                                   honest("w3", floats({7, 8, 9}), "c")};
  hub_.send(ballot_of(mixed, 2, 0, 2));
  verdict = hub_.next<Verdict>();
  ASSERT_TRUE(verdict.has_value());
  ASSERT_EQ(outcome_of(*verdict), Outcome::values);
  for (const Replica& replica : mixed) {
    hub_.send_tensor(kTask, epoch_of(replica.name), "out", replica.sent);
  }
  verdict = hub_.next<Verdict>();
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(outcome_of(*verdict), Outcome::agreed);
  EXPECT_THAT(names(verdict->members), ElementsAre("w1", "w2"));
  verdict = hub_.next<Verdict>();  // as soon as the third's values are there
  ASSERT_TRUE(verdict.has_value());
  EXPECT_THAT(names(verdict->liars), ElementsAre("w3"));
}

TEST_F(VoterShell, RubbishOnItsInboxDoesNoHarm) {
  auto stranger = bus::make_memory_bus(broker_, "stranger");
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    std::string rubbish(random.below(200), '\0');
    for (char& byte : rubbish) byte = static_cast<char>(random.below(256));
    ASSERT_TRUE(stranger->publish({.topic = "hyps/v/voter/in", .payload = Blob::of(rubbish)}).ok());
  }
  hub_.send(ballot_of({honest("w1", floats({1}))}, 1));
  const auto verdict = hub_.next<Verdict>();
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(outcome_of(*verdict), Outcome::agreed);
}

TEST(VoterOptions, TheSampleLoads) {
  Options options;
  runtime::Schema schema;
  declare(schema, options);
  EXPECT_TRUE(schema.load_yaml(schema.sample(), "sample").ok());
}

}  // namespace
}  // namespace hyps::voter::testing
