// Routes: who runs what as workers come and go, with epochs that rise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/random.hpp"
#include "tests/unit/manager/world.hpp"

namespace hyps::manager::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ManagerPlacing, EveryPartitionGetsAWorkerOnce) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 100)};
  world.deploy_planned(chain("m", 4, 50));
  world.start();
  EXPECT_EQ(world.settle(world.all), 1);
  EXPECT_EQ(world.placement("m").size(), 6U);
  EXPECT_EQ(world.model_named("m").problem, "");
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "nothing is different any more";
  EXPECT_THAT(published<SetRoutes>(world.pass(60'000)), IsEmpty());
}

TEST(ManagerPlacing, SafePartitionsGoToTheSafeZone) {
  World world;
  world.truth.workers = {worker("open1", 1000, false), worker("safe1", 100, true)};
  world.deploy_planned(chain("m", 3, 40));
  world.start();
  world.settle(world.all);
  EXPECT_EQ(world.placement("m")["ingest"], "safe1");
  EXPECT_EQ(world.placement("m")["v1"], "safe1");
  EXPECT_EQ(world.placement("m")["v2"], "open1");
  EXPECT_EQ(world.placement("m")["report"], "safe1");
}

// Regression: a worker killed together with the hub was replaced three seconds late.
TEST(ManagerPlacing, AfterARestartOfTheHubOnlyWorkersNotYetHeardAreWaitedFor) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 100), worker("w3", 100)};
  world.deploy_planned(chain("m", 3, 60));
  world.start();
  world.settle(world.all);
  for (auto& state : world.truth.workers) state.online = state.known = false;
  world.send(HubOnline{});
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "they are probably there";
  for (const char* id : {"w1", "w3"}) {
    world.worker_named(id).online = world.worker_named(id).known = true;
  }
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "w2 may be about to say hello";
  world.worker_named("w2").known = true;  // its last will
  world.settle(world.show());
  for (const auto& [partition, id] : world.placement("m")) EXPECT_NE(id, "w2") << partition;
}

TEST(ManagerPlacing, ALostWorkerIsReplacedAtOnceAndTheRestStays) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 100), worker("w3", 100)};
  world.deploy_planned(chain("m", 3, 60));
  world.start();
  world.settle(world.all);
  const auto before = world.placement("m");
  const auto routes_before = world.model_named("m").routes;
  world.worker_named("w2").online = false;
  world.settle(world.show());
  for (const Route& route : world.model_named("m").routes) {
    const std::string& name = route.partition.text;
    EXPECT_NE(route.worker.text, "w2");
    if (before.at(name) != "w2") {
      EXPECT_EQ(route.worker.text, before.at(name));
      EXPECT_THAT(routes_before, ::testing::Contains(route)) << "its epoch stays too";
    } else {
      EXPECT_GT(route.epoch, 1U);
    }
  }
}

TEST(ManagerPlacing, WithoutRoomTheRouteIsKeptAndTheProblemTold) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 50)};
  world.deploy_planned(chain("m", 1, 80));
  world.start();
  world.settle(world.all);
  ASSERT_EQ(world.placement("m")["v1"], "w1");
  const auto routes = world.model_named("m").routes;
  world.worker_named("w1").online = false;
  world.settle(world.show());
  EXPECT_EQ(world.placement("m")["v1"], "w1");
  EXPECT_THAT(world.model_named("m").problem, HasSubstr("v1: needs"));
  world.worker_named("w1").online = true;
  world.settle(world.show());
  EXPECT_EQ(world.model_named("m").problem, "");
  for (const Route& route : world.model_named("m").routes) {
    if (route.partition.text != "v1") continue;
    EXPECT_THAT(routes, ::testing::Contains(route)) << "with the weights it still has";
  }
}

TEST(ManagerPlacing, AWorkerThatComesGetsWhatHadNoPlace) {
  World world;
  world.truth.workers = {worker("w1", 50)};
  world.deploy_planned(chain("m", 1, 80));
  world.start();
  world.settle(world.all);
  EXPECT_EQ(world.placement("m").size(), 2U);
  world.truth.workers.push_back(worker("w2", 100));
  world.settle(world.show());
  EXPECT_EQ(world.placement("m")["v1"], "w2");
  EXPECT_EQ(world.model_named("m").state, "ready");
}

TEST(ManagerPlacing, AWorkerBeyondItsMemoryIsRelievedByOneThatComes) {
  World world;
  world.truth.workers = {worker("w1", 100)};
  world.deploy_planned(chain("m", 3, 60));
  world.start();
  world.settle(world.all);
  EXPECT_EQ(world.placement("m")["v3"], "w1") << "it takes turns";
  world.truth.workers.push_back(worker("w2", 100));
  world.truth.workers.push_back(worker("w3", 100));
  world.settle(world.show());
  std::set<std::string> used;
  for (const auto& [partition, name] : world.placement("m")) {
    if (partition[0] == 'v') used.insert(name);
  }
  EXPECT_EQ(used.size(), 3U);
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty());
}

TEST(ManagerPlacing, ModelsShareTheWorkers) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 100)};
  world.deploy_planned(chain("a", 1, 70));
  world.deploy_planned(chain("b", 1, 70));
  world.start();
  world.settle(world.all);
  world.settle(world.show());
  EXPECT_NE(world.placement("a")["v1"], world.placement("b")["v1"]);
}

TEST(ManagerPlacing, NothingMovesWhileWorkersComeBackAfterAHubRestart) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 100)};
  world.deploy_planned(chain("m", 2, 80));
  world.start();
  world.settle(world.all);
  const auto before = world.placement("m");
  world.send(HubOnline{});
  world.worker_named("w2").online = world.worker_named("w2").known = false;
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty());
  world.worker_named("w2").online = world.worker_named("w2").known = true;
  world.show();
  world.settle(world.pass(3000));
  EXPECT_EQ(world.placement("m"), before);
}

TEST(ManagerPlacing, ALostSetRoutesIsSentAgain) {
  World world;
  world.truth.workers = {worker("w1", 100)};
  world.deploy_planned(chain("m", 1, 50));
  world.start();
  ASSERT_EQ(published<SetRoutes>(world.all).size(), 1U);
  EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "it may still be on its way";
  EXPECT_EQ(published<SetRoutes>(world.pass(3000)).size(), 1U);
}

TEST(ManagerPlacing, AnotherManagerInItsPlaceDecidesTheSame) {
  World world;
  world.truth.workers = {worker("w1", 100), worker("w2", 100)};
  world.deploy_planned(chain("m", 2, 80));
  world.start();
  world.settle(world.all);
  World successor;
  successor.truth = world.truth;
  successor.start();
  EXPECT_THAT(published<SetRoutes>(successor.all), IsEmpty());
  successor.worker_named("w1").online = false;
  EXPECT_TRUE(successor.settle(successor.show()) > 0) << "the hub must accept its epochs";
  EXPECT_EQ(successor.placement("m")["v1"], "w2");
}

TEST(ManagerPlacing, AnOlderSnapshotIsIgnored) {
  World world;
  world.truth.workers = {worker("w1", 100)};
  world.deploy_planned(chain("m", 1, 50));
  world.start();
  world.settle(world.all);
  protocol::Snapshot old = world.truth;
  old.version = 1;
  old.workers[0].online = false;
  EXPECT_THAT(published<SetRoutes>(world.send(Received{old})), IsEmpty());
}

// The hub refuses an epoch that does not rise; a refusal would show as a route that never comes.
TEST(ManagerPlacing, WhateverHappensEpochsRiseAndRoutesSettle) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    World world;
    for (int i = 0; i < 4; ++i) {
      world.truth.workers.push_back(worker("w" + std::to_string(i), 60 + random.below(100)));
    }
    world.deploy_planned(chain("a", 3, 50));
    world.deploy_planned(chain("b", 2, 40));
    world.start();
    for (int step = 0; step < 40; ++step) {
      auto& changed = world.truth.workers[random.below(4)];
      changed.online = !changed.online;
      Effects effects = world.show();
      if (random.below(3) == 0) effects.clear();  // lost on the way
      if (random.below(8) == 0) {
        world.core = std::make_unique<Core>(CoreConfig{});  // the manager was killed
        world.send(Connected{});
      }
      world.settle(std::move(effects));
    }
    for (auto& state : world.truth.workers) state.online = true;
    world.show();
    for (int i = 0; i < 5; ++i) world.settle(world.pass(4000));
    EXPECT_EQ(world.placement("a").size(), 5U) << "seed " << seed;
    EXPECT_EQ(world.placement("b").size(), 4U) << "seed " << seed;
    EXPECT_EQ(world.model_named("a").problem, "") << "seed " << seed;
    EXPECT_THAT(published<SetRoutes>(world.show()), IsEmpty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hyps::manager::testing
