// Results that are forwarded while they arrive.
#include "services/hub/relays.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace hyps::hub {
namespace {

class HubRelays : public testing::Test {
 protected:
  void begin(const Config& config = Config()) {
    w = std::make_unique<World>(config);
    w->add_worker("w1", true);
    w->add_worker("w2", true);
    w->add_worker("w3", false);
    w->deploy();
  }
  void finish() {
    w->settle();
    const auto answers = w->answers("job1");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["state"], "done") << answers[0].dump();
    EXPECT_EQ(answers[0]["top"], w->expected_top("image"));
  }
  // Delivers until a worker has begun to send this tensor.
  StreamBegan run_until_sent(const std::string& tensor) {
    for (int i = 0; i < 10'000; ++i) {
      if (!w->network.empty()) {
        const auto* began = std::get_if<StreamBegan>(&w->network.front().event);
        if (w->network.front().to_hub && began != nullptr && began->tensor == tensor) return *began;
      }
      if (!w->deliver_next()) break;
    }
    ADD_FAILURE() << tensor << " is never sent";
    return {};
  }

  std::unique_ptr<World> w;
};

TEST_F(HubRelays, ResultsGoToAllWhoNeedThemNextAndAreNotSentAgain) {
  begin();
  w->infer("job1");
  finish();
  EXPECT_EQ(w->times_relayed("x"), 1U);
  EXPECT_EQ(w->times_relayed("t"), 2U) << "for both slices";
  EXPECT_EQ(w->times_relayed("y"), 1U);
  for (const char* tensor : {"x", "t", "y"}) EXPECT_EQ(w->times_sent(tensor), 0U) << tensor;
  EXPECT_EQ(w->times_relayed("u#0.2") + w->times_relayed("u#1.2"), 1U)
      << "the one that comes first would wait for the other";
  EXPECT_EQ(w->times_sent("u#0.2") + w->times_sent("u#1.2"), 1U);
  EXPECT_TRUE(w->state().relays.empty());
  EXPECT_TRUE(w->state().relayed_bytes.empty());
}

TEST_F(HubRelays, RunComesOnlyWhenTheResultIsStored) {
  begin();
  w->infer("job1");
  (void)run_until_sent("x");
  w->deliver_next();
  ASSERT_EQ(w->times_relayed("x"), 1U);
  const auto is_run_of_v01 = [](const World::Packet& packet) {
    const auto* run = packet.message ? std::get_if<protocol::Run>(&*packet.message) : nullptr;
    return run != nullptr && run->task.partition.text == "v01";
  };
  EXPECT_EQ(std::count_if(w->network.begin(), w->network.end(), is_run_of_v01), 0);
  w->disk.full = true;
  w->deliver_next();  // the tensor
  w->deliver_next();  // what is relayed of it, or TaskDone
  w->deliver_next();
  EXPECT_EQ(std::count_if(w->network.begin(), w->network.end(), is_run_of_v01), 0);
  w->disk.full = false;
  finish();
}

TEST_F(HubRelays, WithoutMemoryForThemResultsAreSentOnceStored) {
  Config config;
  config.max_relay_bytes = 0;
  begin(config);
  w->infer("job1");
  finish();
  EXPECT_TRUE(w->relays_begun.empty());
  EXPECT_EQ(w->times_sent("t"), 2U);
}

TEST_F(HubRelays, TheBoundOfTheirMemoryCountsWhatTheBusHolds) {
  Config config;
  config.max_relay_bytes = 40;  // a text of "t" takes 34
  begin(config);
  w->infer("job1");
  finish();
  EXPECT_EQ(w->times_relayed("t"), 1U);
  EXPECT_EQ(w->times_sent("t"), 1U);
}

// The taker has bytes that are no result; it is sent the right ones.
TEST_F(HubRelays, WrongBytesAreRelayedInVain) {
  begin();
  for (auto& [id, worker] : w->workers) {
    worker.send_instead = [left = std::make_shared<int>(1)](const Blob& right) {
      return (*left)-- > 0 ? Blob::copy_of(std::string_view("no result")) : right;
    };
  }
  w->infer("job1");
  finish();
  EXPECT_GT(w->times_relayed("t"), 0U);
}

TEST_F(HubRelays, SenderThatIsGoneEndsItsRelays) {
  begin();
  w->infer("job1");
  const StreamBegan began = run_until_sent("t");
  w->deliver_next();
  ASSERT_EQ(w->relays.size(), 2U);
  w->kill_worker(began.peer.id);
  EXPECT_TRUE(w->relays.empty());
  EXPECT_TRUE(w->state().relays.empty());
  w->start_worker(began.peer.id);
  finish();
}

TEST_F(HubRelays, TakerThatIsGoneEndsItsRelay) {
  begin();
  w->infer("job1");
  (void)run_until_sent("t");
  w->deliver_next();
  const std::string taker = w->relays.begin()->second.to.text;
  w->kill_worker(taker);
  for (const auto& [id, relay] : w->relays) EXPECT_NE(relay.to.text, taker);
  w->start_worker(taker);
  finish();
}

TEST_F(HubRelays, StreamThatBeginsAgainIsRelayedAnew) {
  begin();
  w->infer("job1");
  StreamBegan began = run_until_sent("x");
  w->deliver_next();
  began.stream += 1000;
  w->step(began);
  EXPECT_EQ(w->times_relayed("x"), 2U);
  EXPECT_EQ(w->relays.size(), 1U) << "the first has been stopped";
  w->step(began);
  EXPECT_EQ(w->times_relayed("x"), 2U) << "the same again is no news";
  // The first stream goes on all the same, and the relay of the second has come to nothing.
  finish();
  EXPECT_EQ(w->times_sent("x"), 1U);
}

TEST_F(HubRelays, NumberOfAStreamThatStandsForSomethingElseEndsItsRelay) {
  begin();
  w->infer("job1");
  StreamBegan began = run_until_sent("x");
  w->deliver_next();
  ASSERT_EQ(w->state().relays.size(), 1U);
  const std::uint64_t first = w->state().relays.begin()->first;
  ++began.bytes;
  w->step(began);
  EXPECT_FALSE(w->state().relays.contains(first));
  finish();
  EXPECT_EQ(w->times_sent("x"), 1U);
}

TEST_F(HubRelays, LostStreamEndsItsRelay) {
  begin();
  w->infer("job1");
  const StreamBegan began = run_until_sent("x");
  w->deliver_next();
  ASSERT_EQ(w->state().relays.size(), 1U);
  w->step(TensorLost{began.task, began.epoch, "a chunk is missing"});
  EXPECT_TRUE(w->state().relays.empty());
  finish();
}

// Within one round, so that nothing is settled between.
TEST_F(HubRelays, ConnectionThatComesBackAtOnceForgetsThem) {
  begin();
  w->infer("job1");
  (void)run_until_sent("x");
  w->deliver_next();
  ASSERT_FALSE(w->state().relayed_bytes.empty());
  w->step_unsettled(BusDisconnected{});
  w->step_unsettled(BusConnected{});
  EXPECT_TRUE(w->state().relays.empty());
  EXPECT_TRUE(w->state().relayed_bytes.empty());
  finish();
}

TEST_F(HubRelays, NobodyElsesStreamIsRelayed) {
  begin();
  w->infer("job1");
  StreamBegan began = run_until_sent("x");
  StreamBegan of_another = began;
  of_another.peer.id = began.peer.id == "w1" ? "w2" : "w1";
  w->step(of_another);
  StreamBegan of_an_epoch = began;
  ++of_an_epoch.epoch;
  w->step(of_an_epoch);
  StreamBegan of_a_tensor = began;
  of_a_tensor.tensor = "t";
  w->step(of_a_tensor);
  EXPECT_TRUE(w->relays_begun.empty());
  finish();
}

TEST_F(HubRelays, ExpectedTaskTakesACreditOfItsWorker) {
  Config config;
  config.worker_credits = 1;
  begin(config);
  w->infer("job1");
  (void)run_until_sent("t");
  w->deliver_next();
  for (const auto& [id, relay] : w->state().relays) {
    const protocol::TaskKey other{JobId("another"), relay.task.plan, relay.task.partition};
    EXPECT_EQ(expected_tasks(w->state(), relay.to, other).size(), 1U);
    EXPECT_TRUE(expected_tasks(w->state(), relay.to, relay.task).empty());
    EXPECT_EQ(w->state().workers.at(relay.to).credits.size(), 0U);
  }
  finish();
}

// The worker may have dropped it by then.
TEST_F(HubRelays, WhatWasRelayedLongAgoIsSentWithItsRun) {
  begin();
  w->infer("job1");
  (void)run_until_sent("x");
  w->disk.full = true;
  w->run_dry();
  ASSERT_EQ(w->times_relayed("x"), 1U);
  w->advance(1000);
  w->advance(1500);
  EXPECT_TRUE(w->state().relays.empty());
  w->disk.full = false;
  finish();
  EXPECT_EQ(w->times_sent("x"), 1U);
}

TEST_F(HubRelays, RelayThatCannotBeginIsForgotten) {
  begin();
  w->infer("job1");
  (void)run_until_sent("x");
  w->deliver_next();
  w->step(RelayEnded{w->relays_begun.at(0).id, false});
  EXPECT_TRUE(w->state().relays.empty());
  EXPECT_TRUE(w->state().relayed_bytes.empty());
  w->relays.clear();
  finish();
  EXPECT_EQ(w->times_sent("x"), 1U);
}

}  // namespace
}  // namespace hyps::hub
