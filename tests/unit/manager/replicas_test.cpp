// Replicated partitions: several routes each, on different workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/manager/world.hpp"

namespace hyps::manager::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ManagerReplicas : public ::testing::Test {
 protected:
  void deploy(int workers, std::uint64_t memory, int replicas, int quorum) {
    for (int i = 1; i <= workers; ++i) {
      world.truth.workers.push_back(worker("w" + std::to_string(i), memory));
    }
    partition::Plan plan = chain("m", 3, 40);
    partition::replicate(plan, {partition::Replication::Mode::majority, replicas, quorum});
    world.deploy_planned(plan);
    world.start();
    world.settle(world.all);
  }
  std::map<std::string, std::vector<Route>> routes() {
    std::map<std::string, std::vector<Route>> routes;
    for (const Route& route : world.model_named("m").routes) {
      routes[route.partition.text].push_back(route);
    }
    return routes;
  }
  static std::set<std::string> workers_of(const std::vector<Route>& routes) {
    std::set<std::string> workers;
    for (const Route& route : routes) workers.insert(route.worker.text);
    return workers;
  }

  World world;
};

TEST_F(ManagerReplicas, AreOnDifferentWorkersWithEpochsOfTheirOwn) {
  deploy(4, 200, 3, 2);
  for (const auto& [partition, of] : routes()) {
    const bool trusted = partition == "ingest" || partition == "report";
    EXPECT_EQ(of.size(), trusted ? 1U : 3U) << partition;
    EXPECT_EQ(workers_of(of).size(), of.size()) << partition;
    std::set<Epoch> epochs;
    for (const Route& route : of) epochs.insert(route.epoch);
    EXPECT_EQ(epochs.size(), of.size()) << partition;
  }
  EXPECT_EQ(world.model_named("m").problem, "");
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "nothing is different any more";
}

TEST_F(ManagerReplicas, WhatIsMissingIsSaidAndAddedWhenAWorkerComes) {
  deploy(2, 200, 3, 2);
  EXPECT_THAT(world.model_named("m").problem, HasSubstr("2 of 3 replicas"));
  for (const auto& [partition, of] : routes()) {
    EXPECT_EQ(of.size(), partition == "ingest" || partition == "report" ? 1U : 2U);
  }
  world.truth.workers.push_back(worker("w3", 200));
  world.settle(world.show());
  EXPECT_EQ(world.model_named("m").problem, "");
  EXPECT_EQ(routes().at("v2").size(), 3U);
}

TEST_F(ManagerReplicas, ACopyThatIsLoadedTakesThePlaceOfOneThatIsGone) {
  deploy(4, 200, 2, 2);
  const auto before = routes().at("v2");
  world.worker_named(before[0].worker.text).online = false;
  world.settle(world.show());
  const auto after = routes().at("v2");
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0], before[1]) << "the same worker with the same epoch, first now";
  EXPECT_GT(after[1].epoch, std::max(before[0].epoch, before[1].epoch));
}

TEST_F(ManagerReplicas, AWorkerInQuarantineKeepsItsCopiesInTheShadowOfAnotherThatCounts) {
  deploy(4, 400, 3, 2);
  const auto before = routes();
  const std::string liar = before.at("v2")[0].worker.text;
  world.worker_named(liar).quarantined = true;
  world.settle(world.show());
  const auto after = routes();
  for (const auto& [partition, of] : after) {
    int counting = 0;
    for (const Route& route : of) counting += route.worker.text == liar ? 0 : 1;
    const bool trusted = partition == "ingest" || partition == "report";
    EXPECT_EQ(counting, trusted ? 1 : 3) << partition;
    EXPECT_NE(of[0].worker.text, liar) << "nothing depends on it alone";
    if (trusted) continue;
    EXPECT_EQ(workers_of(of).contains(liar), workers_of(before.at(partition)).contains(liar));
  }
}

TEST_F(ManagerReplicas, NoModelIsPlannedForALiar) {
  world.truth.workers = {worker("w1", 100)};
  world.worker_named("w1").quarantined = true;
  world.deploy("m");
  world.start();
  EXPECT_THAT(effects_of<PrepareModel>(world.all), IsEmpty());
}

TEST_F(ManagerReplicas, ALatePartitionGetsASecondWorkerWithRoomForAsLongAsItIsLate) {
  deploy(3, 200, 1, 1);
  const auto before = routes();
  for (const auto& [partition, of] : before) ASSERT_EQ(of.size(), 1U) << partition;
  const PlanId plan = world.model_named("m").plan;
  world.truth.late = {{plan, PartitionName("v2")}};
  world.settle(world.show());
  const auto helped = routes();
  for (const auto& [partition, of] : helped) {
    ASSERT_EQ(of.size(), partition == "v2" ? 2U : 1U) << partition;
    EXPECT_EQ(of[0], before.at(partition)[0]) << "nothing moves";
  }
  EXPECT_NE(helped.at("v2")[0].worker, helped.at("v2")[1].worker);
  EXPECT_EQ(world.model_named("m").problem, "");
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "the helper stays";
  world.truth.late.clear();
  world.settle(world.show());
  EXPECT_EQ(routes(), before);
}

TEST_F(ManagerReplicas, WhereNobodyHasRoomALatePartitionGetsNoSecondWorker) {
  deploy(3, 60, 1, 1);  // one partition fills one worker
  const auto before = routes();
  world.truth.late = {{world.model_named("m").plan, PartitionName("v2")}};
  world.settle(world.show());
  EXPECT_EQ(routes(), before);
  EXPECT_EQ(world.model_named("m").problem, "");
}

TEST_F(ManagerReplicas, AHelperThatGoesIsReplacedAndOneInQuarantineIsNone) {
  deploy(4, 200, 1, 1);
  world.truth.late = {{world.model_named("m").plan, PartitionName("v2")}};
  world.settle(world.show());
  const Route first = routes().at("v2")[1];
  world.worker_named(first.worker.text).online = false;
  world.settle(world.show());
  ASSERT_EQ(routes().at("v2").size(), 2U);
  const Route second = routes().at("v2")[1];
  EXPECT_NE(second.worker, first.worker);
  EXPECT_GT(second.epoch, first.epoch);
  world.worker_named(second.worker.text).quarantined = true;
  world.settle(world.show());
  ASSERT_EQ(routes().at("v2").size(), 2U);
  EXPECT_NE(routes().at("v2")[1].worker, second.worker);
}

}  // namespace
}  // namespace hyps::manager::testing
