// Who is there: heartbeats, silence, last words.
#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::hub {
namespace {

class HubLiveness : public testing::Test {
 protected:
  HubLiveness() {
    w.add_worker("w1", true);
    w.add_worker("w2", true);
    w.add_worker("w3", false);
    w.deploy();
  }
  // Every 200 ms a heartbeat of each but these, on the connection of heartbeats.
  void beat_for(int ms, const std::set<std::string>& silent = {}) {
    for (int passed = 0; passed < ms; passed += 200) {
      for (const auto& id : w.alive) {
        if (silent.contains(id)) continue;
        protocol::Heartbeat heartbeat;
        heartbeat.incarnation = w.workers.at(id).info.incarnation;
        w.step(Beat{WorkerId(id), heartbeat, {w.now.steady}});
      }
      w.advance(100);
      w.advance(100);
    }
  }

  World w;
};

TEST_F(HubLiveness, SilentWorkerIsGivenUp) {
  w.infer("job1");
  w.network.clear();
  for (int i = 0; i < 60; ++i) w.advance(100);
  EXPECT_FALSE(w.state().workers.at(WorkerId("w1")).online);
  EXPECT_EQ(w.events("job1", "recovered").size(), 1U);
  EXPECT_EQ(w.events("job1", "recovered")[0]["detail"], "the worker is silent");
  w.beat();
  w.settle();
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["top"], w.expected_top("image"));
}

TEST_F(HubLiveness, AWorkerThatFallsSilentAmongOthersIsGivenUpWithinTwoSeconds) {
  beat_for(10'000);
  beat_for(1000, {"w1"});
  EXPECT_TRUE(w.state().workers.at(WorkerId("w1")).online);
  beat_for(1000, {"w1"});
  EXPECT_FALSE(w.state().workers.at(WorkerId("w1")).online);
  EXPECT_TRUE(w.state().workers.at(WorkerId("w2")).online);
  beat_for(400);
  w.run_dry();  // asked to say hello, it does
  EXPECT_TRUE(w.state().workers.at(WorkerId("w1")).online);
}

TEST_F(HubLiveness, AHubThatHearsNobodyTakesNobodyForSilentSoon) {
  beat_for(10'000);
  beat_for(4600, {"w1", "w2", "w3"});
  for (const auto& [id, worker] : w.state().workers) EXPECT_TRUE(worker.online) << id.text;
  beat_for(800, {"w1", "w2", "w3"});
  for (const auto& [id, worker] : w.state().workers) EXPECT_FALSE(worker.online) << id.text;
}

TEST_F(HubLiveness, TheLastWordsOfAWorkerThatIsGoneDoNotMakeItOnline) {
  protocol::Heartbeat heartbeat;
  heartbeat.incarnation = w.workers.at("w1").info.incarnation;
  w.kill_worker("w1");
  ASSERT_FALSE(w.state().workers.at(WorkerId("w1")).online);
  w.step(Beat{WorkerId("w1"), heartbeat, {w.now.steady}});
  w.run_dry();
  EXPECT_FALSE(w.state().workers.at(WorkerId("w1")).online);
}

TEST_F(HubLiveness, HubThatWasStalledDoesNotTakeItsWorkersForSilent) {
  w.advance(30'000);
  EXPECT_TRUE(w.state().workers.at(WorkerId("w1")).online);
}

}  // namespace
}  // namespace hyps::hub
