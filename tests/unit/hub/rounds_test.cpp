// Events that are handed in together: their writes are done as one and answered afterwards.
#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

class HubRounds : public testing::Test {
 protected:
  void SetUp() override {
    w.add_worker("w1", true);
    w.add_worker("w2", true);
    w.deploy();
    w.published.clear();
  }
  static Event input(const std::string& job, const std::string& image = "image") {
    return UserInput{ModelName("net"), Blob::copy_of(image), job, {}, {}};
  }
  static std::vector<Event> inputs(int count) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) events.push_back(input("job" + std::to_string(i)));
    return events;
  }
  // Takes what is under way to the hub, if it may be handed in together.
  std::vector<Event> take_overlapping() {
    std::vector<Event> events;
    std::erase_if(w.network, [&](const World::Packet& packet) {
      const bool taken = packet.to_hub && Core::overlaps(packet.event);
      if (taken) events.push_back(packet.event);
      return taken;
    });
    return events;
  }
  // All packets to workers, then all to the hub as one round, until nothing is under way.
  void run_in_rounds() {
    while (!w.network.empty()) {
      std::deque<World::Packet> packets = std::exchange(w.network, {});
      for (auto& packet : packets) {
        if (packet.to_hub) {
          w.network.push_back(std::move(packet));
        } else {
          w.deliver(std::move(packet));
        }
      }
      if (const auto events = take_overlapping(); !events.empty()) w.step_together(events);
      // What remains for the hub does not overlap.
      for (auto& packet : std::exchange(w.network, {})) {
        if (packet.to_hub && !Core::overlaps(packet.event)) {
          w.deliver(std::move(packet));
        } else {
          w.network.push_back(std::move(packet));
        }
      }
    }
  }
  World w;
};

TEST_F(HubRounds, ManyInputsAreAcceptedWithOneSyncedWrite) {
  const int before = w.disk.writes;
  w.step_together(inputs(20));
  EXPECT_EQ(w.disk.writes, before + 1);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "job" + std::to_string(i);
    EXPECT_EQ(w.events(id, "accepted").size(), 1U) << id;
    EXPECT_TRUE(w.disk.synced().get(job_key(JobId(id))).ok()) << id;
  }
}

TEST_F(HubRounds, TheSameInputTwiceInARoundIsOneJobAnsweredOnce) {
  w.step_together({input("job1"), input("job1")});
  EXPECT_EQ(w.events("job1", "accepted").size(), 1U);
  w.settle();
  EXPECT_EQ(w.answers("job1").size(), 1U);
}

TEST_F(HubRounds, AnotherInputUnderTheSameIdIsRefusedBeforeTheFirstIsWritten) {
  w.step_together({input("job1"), input("job1", "another")});
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["state"], "refused");
  w.settle();
  EXPECT_EQ(w.answers("job1").back()["top"], w.expected_top("image"));
}

TEST_F(HubRounds, WhatCannotBeWrittenIsRefusedAndNothingIsPromised) {
  w.disk.full = true;
  w.step_together(inputs(3));
  w.disk.full = false;
  for (int i = 0; i < 3; ++i) {
    const std::string id = "job" + std::to_string(i);
    EXPECT_TRUE(w.events(id, "accepted").empty());
    EXPECT_EQ(w.answers(id).at(0)["state"], "refused");
  }
  EXPECT_TRUE(w.state().jobs.empty());
  w.step_together(inputs(3));
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 3U);
}

TEST_F(HubRounds, ResultsOfOneRoundAreWrittenTogetherAndAnswersAreRight) {
  w.step_together(inputs(4));
  run_in_rounds();
  w.settle();
  for (int i = 0; i < 4; ++i) {
    const auto answers = w.answers("job" + std::to_string(i));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["top"], w.expected_top("image"));
  }
}

TEST_F(HubRounds, ACrashBeforeTheWriteForgetsWhatWasNotPromised) {
  for (int i = 0; i < 3; ++i) w.infer("job" + std::to_string(i));
  run_in_rounds();
  w.crash_hub();
  w.start_hub();
  w.settle();
  for (int i = 0; i < 3; ++i) {
    for (const auto& answer : w.answers("job" + std::to_string(i))) {
      EXPECT_EQ(answer["top"], w.expected_top("image"));
    }
    EXPECT_FALSE(w.answers("job" + std::to_string(i)).empty());
  }
}

TEST(HubOverlap, OnlyWhatManySmallJobsAreMadeOfIsHandedInWhileWritesAreUnderWay) {
  const Peer worker{protocol::Role::worker, "w1"};
  const Peer client{protocol::Role::client, "c1"};
  EXPECT_TRUE(Core::overlaps(UserInput{}));
  EXPECT_TRUE(Core::overlaps(FromPeer{worker, protocol::TaskDone{}}));
  EXPECT_TRUE(Core::overlaps(TensorArrived{worker, {}}));
  EXPECT_TRUE(Core::overlaps(AnswerSent{}));
  EXPECT_TRUE(Core::overlaps(InputSent{}));
  EXPECT_FALSE(Core::overlaps(FromPeer{worker, protocol::Hello{}}));
  EXPECT_FALSE(Core::overlaps(FromPeer{client, protocol::TaskDone{}}));
  EXPECT_FALSE(Core::overlaps(FromPeer{client, protocol::Deploy{}}));
  EXPECT_FALSE(Core::overlaps(Tick{}));
  EXPECT_FALSE(Core::overlaps(BusDisconnected{}));
}

}  // namespace
}  // namespace hyps::hub
