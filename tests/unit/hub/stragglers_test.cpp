// Tasks that take much longer than expected are given to a second worker too.
#include "services/hub/stragglers.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::hub {
namespace {

using Mode = partition::Replication::Mode;

class Stragglers : public testing::Test {
 protected:
  void begin(int replicas) {
    partition::replicate(w.plan, {Mode::standby, replicas, 1});
    for (const char* id : {"w1", "w2", "w3"}) w.add_worker(id, true);
    w.deploy();
    for (int i = 0; i < 3; ++i) run("warm" + std::to_string(i));
    w.network.clear();
  }
  void run(const std::string& job) {
    w.infer(job);
    w.settle();
    ASSERT_EQ(w.answers(job).size(), 1U) << job;
  }
  const std::vector<protocol::Route>& routes(const std::string& partition) {
    return w.state().plans.begin()->second.routes.at(PartitionName(partition));
  }
  // All but the job's first partition on this worker come back at once, these never.
  void infer_with_slow(const std::string& worker, const std::string& job) {
    w.workers.at(worker).mute = true;
    w.infer(job);
  }
  void expect_right(const std::string& job) {
    ASSERT_EQ(w.answers(job).size(), 1U) << job;
    EXPECT_EQ(w.answers(job)[0]["top"], w.expected_top("image"));
  }

  World w;
};

TEST_F(Stragglers, ALateTaskIsGivenToASecondWorkerAndTheFirstResultCounts) {
  begin(2);
  const std::string slow = routes("v01").front().worker.text;
  ASSERT_NE(routes("ingest").front().worker.text, slow);
  infer_with_slow(slow, "job");
  w.settle(60'000);
  expect_right("job");
  EXPECT_EQ(w.answers("job")[0]["recoveries"], 0) << "nobody was given up";
  EXPECT_TRUE(w.state().workers.at(WorkerId(slow)).online);
  EXPECT_EQ(w.computed("job", "v01"), 2) << "by both";
  for (const auto& [id, worker] : w.state().workers) EXPECT_TRUE(worker.credits.empty()) << id.text;
}

TEST_F(Stragglers, TheSlowWorkersResultCountsToo) {
  begin(2);
  const std::string slow = routes("v01").front().worker.text;
  const std::string other = routes("v01").back().worker.text;
  infer_with_slow(slow, "job");
  for (int ms = 0; ms < 3000; ms += 100) {
    while (w.deliver_next()) w.workers.at(other).mute = true;  // the second one is slower still
    w.advance(100);
    if (ms % 1000 == 0) w.beat();
  }
  ASSERT_TRUE(w.answers("job").empty());
  w.workers.at(slow).mute = w.workers.at(other).mute = false;
  w.settle(60'000);
  expect_right("job");
}

TEST_F(Stragglers, OneOfTwoThatIsLostLeavesTheOther) {
  begin(2);
  const std::string slow = routes("v01").front().worker.text;
  const std::string other = routes("v01").back().worker.text;
  for (const std::string& victim : {slow, other}) {
    w.workers.at(slow).mute = w.workers.at(other).mute = true;
    w.infer("job-" + victim);
    for (int ms = 0; ms < 3000; ms += 100) {
      w.run_dry();
      w.advance(100);
      if (ms % 1000 == 0) w.beat();
    }
    w.kill_worker(victim);
    w.workers.at(slow).mute = w.workers.at(other).mute = false;
    w.settle(60'000);
    w.start_worker(victim);
    w.settle(60'000);
    expect_right("job-" + victim);
  }
}

TEST_F(Stragglers, AWorkerIsGivenNoMoreUntilItSaysItHasDoneWithTheLateTask) {
  begin(2);
  const std::string stopped = routes("v01").front().worker.text;
  const auto& straggler = w.state().workers.at(WorkerId(stopped));
  infer_with_slow(stopped, "job");
  w.alive.erase(stopped);  // no heartbeats: it is not slow but stopped, which nobody knows yet
  for (int ms = 0; ms < 4000 && w.answers("job").empty(); ms += 100) {
    w.run_dry();
    w.advance(100);
  }
  expect_right("job");
  EXPECT_TRUE(straggler.online);
  EXPECT_TRUE(straggler.straggles_with.has_value());
  w.infer("meanwhile");
  w.settle(500);
  EXPECT_EQ(w.answers("meanwhile").size(), 1U) << "waits for nobody";
  w.alive.insert(stopped);
  w.workers.at(stopped).mute = false;
  w.beat();  // has it still, and is told that nobody waits for it
  w.run_dry();
  w.beat();
  w.run_dry();
  EXPECT_FALSE(straggler.straggles_with.has_value());
  const std::int64_t done = straggler.done;
  run("afterwards");
  EXPECT_GT(straggler.done, done);
}

TEST_F(Stragglers, NothingIsDoubledThatIsNotLate) {
  begin(2);
  for (int i = 0; i < 10; ++i) run("job" + std::to_string(i));
  for (const auto& partition : w.plan.partitions) {
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(w.computed("job" + std::to_string(i), partition.name.text), 1);
    }
  }
}

TEST_F(Stragglers, WhereThereIsNoSecondWorkerTheManagerIsAskedForOne) {
  begin(1);
  const std::string slow = routes("v01").front().worker.text;
  infer_with_slow(slow, "job");
  const auto late_told = [&] {
    for (const auto& message : w.to_manager) {
      const auto* snapshot = std::get_if<protocol::Snapshot>(&message);
      if (snapshot != nullptr && !snapshot->late.empty()) return true;
    }
    return false;
  };
  w.to_manager.clear();
  for (int ms = 0; ms < 5000 && !late_told(); ms += 100) {
    w.run_dry();
    w.advance(100);
    if (ms % 1000 == 0) w.beat();
  }
  ASSERT_TRUE(late_told());
  const auto late = w.state().late;
  ASSERT_EQ(late.size(), 1U);
  const PartitionName name = late.begin()->first.second;
  std::vector<protocol::Route> all;
  const PlanState& plan = w.state().plans.begin()->second;
  for (const auto& [partition, of] : plan.routes) {
    all.insert(all.end(), of.begin(), of.end());
    if (partition != name) continue;
    for (const char* id : {"w1", "w2", "w3"}) {
      if (of.front().worker != WorkerId(id)) {
        all.push_back({name, WorkerId(id), 1000});
        break;
      }
    }
  }
  w.from_manager(protocol::SetRoutes{plan.id, all, ""});
  w.settle(60'000);
  if (w.answers("job").empty())
    w.workers.at(slow).mute = false;  // other partitions of the slow one
  w.settle(60'000);
  expect_right("job");
  for (int ms = 0; ms < 61'000; ms += 100) w.advance(100);
  EXPECT_TRUE(w.state().late.empty()) << "it has caught up long ago";
}

TEST(StragglerPace, IsLearnedAndOfTheUnseenGuessedFromTheSeen) {
  PlanState plan;
  plan.plan = diamond_plan();
  plan.paces.resize(plan.plan.partitions.size(), -1.0);
  EXPECT_FALSE(expected_time(plan, 1).has_value());
  plan.plan.partitions[1].cost.flops = 1000;
  plan.plan.partitions[2].cost.flops = 4000;
  plan.plan.partitions[3].cost.flops = 10;
  learn_pace(plan, 1, Milliseconds(100));
  EXPECT_EQ(expected_time(plan, 1), Milliseconds(100));
  EXPECT_NEAR(static_cast<double>(expected_time(plan, 2)->count()), 400, 1);
  EXPECT_EQ(expected_time(plan, 3), Milliseconds(100)) << "never less than what was seen";
  for (int i = 0; i < 40; ++i) learn_pace(plan, 1, Milliseconds(300));
  EXPECT_NEAR(static_cast<double>(expected_time(plan, 1)->count()), 300, 1);
}

}  // namespace
}  // namespace hyps::hub
