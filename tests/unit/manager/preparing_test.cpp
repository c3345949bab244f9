// Which models are prepared, when, and what is told of those that cannot be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/manager/world.hpp"

namespace hyps::manager::testing {
namespace {

using protocol::ModelFailed;
using ::testing::IsEmpty;
using Cause = PrepareFailed::Cause;

World with_model() {
  World world;
  world.truth.workers = {worker("w1", 100)};
  world.deploy("m");
  world.start();
  return world;
}

WorkNumber work_of(const World& world) { return effects_of<PrepareModel>(world.all).back().work; }

Effects prepared(World& world) {
  return world.send(Prepared{work_of(world), partition::to_json(chain("m", 2, 40)), {}});
}

TEST(ManagerPreparing, AModelWithoutPlanIsPreparedForTheWorkersThatAreThere) {
  World world = with_model();
  const auto orders = effects_of<PrepareModel>(world.all);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].model.text, "m");
  EXPECT_EQ(orders[0].files, world.model_named("m").files);
  ASSERT_EQ(orders[0].devices.size(), 1U);
  EXPECT_EQ(orders[0].devices[0].memory_bytes, 100);
  EXPECT_THAT(effects_of<PrepareModel>(world.show()), IsEmpty()) << "once is enough";
}

TEST(ManagerPreparing, TheObjectiveWantedIsPlannedForAndAnotherOneIsAnotherPlan) {
  World world = with_model();
  EXPECT_EQ(effects_of<PrepareModel>(world.all).at(0).wanted_objective, "");
  prepared(world);
  world.model_named("m").wanted_objective = "throughput";
  const auto orders = effects_of<PrepareModel>(world.show());
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].wanted_objective, "throughput");
}

TEST(ManagerPreparing, ThePlanIsSetAndPlaced) {
  World world = with_model();
  const Effects effects = prepared(world);
  ASSERT_EQ(published<SetPlan>(effects).size(), 1U);
  EXPECT_EQ(published<SetPlan>(effects)[0].model_files, world.model_named("m").files);
  world.settle(effects);
  EXPECT_EQ(world.placement("m").size(), 4U);
}

TEST(ManagerPreparing, ALostSetPlanIsSentAgainWithoutPlanningAgain) {
  World world = with_model();
  prepared(world);
  const Effects later = world.pass(3000);
  EXPECT_EQ(published<SetPlan>(later).size(), 1U);
  EXPECT_THAT(effects_of<PrepareModel>(later), IsEmpty());
}

TEST(ManagerPreparing, APlanTheHubTakesNeverIsMadeAgain) {
  World world = with_model();
  prepared(world);
  for (int i = 0; i < 10; ++i) world.pass(3000);
  EXPECT_EQ(effects_of<PrepareModel>(world.all).size(), 2U);
}

TEST(ManagerPreparing, OneModelAfterTheOther) {
  World world;
  world.truth.workers = {worker("w1", 100)};
  world.deploy("m");
  world.deploy("n");
  world.start();
  EXPECT_EQ(effects_of<PrepareModel>(world.all).size(), 1U);
  const auto orders = effects_of<PrepareModel>(prepared(world));
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].model.text, "n");
}

TEST(ManagerPreparing, ABadModelFailsForGood) {
  World world = with_model();
  const auto told =
      published<ModelFailed>(world.send(PrepareFailed{work_of(world), Cause::model, "no ONNX"}));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].permanent);
  EXPECT_EQ(told[0].problem, "no ONNX");
  world.model_named("m").state = "failed";
  world.show();
  world.truth.workers.push_back(worker("w2", 100));
  world.show();
  world.pass(60'000);
  EXPECT_EQ(effects_of<PrepareModel>(world.all).size(), 1U);
}

TEST(ManagerPreparing, DeployedAgainItIsPreparedAgain) {
  World world = with_model();
  world.send(PrepareFailed{work_of(world), Cause::model, "no ONNX"});
  world.model_named("m").state = "failed";
  world.show();
  world.model_named("m").state = "waiting";
  world.model_named("m").files[0].digest = digest_of("better");
  EXPECT_EQ(effects_of<PrepareModel>(world.show()).size(), 1U);
}

TEST(ManagerPreparing, TooSmallWorkersAreToldOnceAndANewOneIsTried) {
  World world = with_model();
  const auto told = published<ModelFailed>(
      world.send(PrepareFailed{work_of(world), Cause::workers, "needs 1 GB"}));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].permanent);
  world.model_named("m").problem = "needs 1 GB";
  world.show();
  const Effects later = world.pass(60'000);
  EXPECT_THAT(published<ModelFailed>(later), IsEmpty());
  EXPECT_THAT(effects_of<PrepareModel>(later), IsEmpty());
  world.truth.workers.push_back(worker("w2", 2'000'000'000));
  const auto orders = effects_of<PrepareModel>(world.show());
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].devices.size(), 2U);
}

TEST(ManagerPreparing, WhatMayPassIsTriedAgain) {
  World world = with_model();
  world.send(PrepareFailed{work_of(world), Cause::passing, "disk full"});
  EXPECT_THAT(effects_of<PrepareModel>(world.pass(9000)), IsEmpty());
  EXPECT_EQ(effects_of<PrepareModel>(world.pass(1000)).size(), 1U);
}

TEST(ManagerPreparing, WithoutWorkersTheModelWaitsAndSaysSo) {
  World world;
  world.deploy("m");
  world.start();
  const auto told = published<ModelFailed>(world.all);
  ASSERT_FALSE(told.empty());
  EXPECT_FALSE(told[0].permanent);
  EXPECT_EQ(told[0].problem, "no worker is online");
  world.truth.workers.push_back(worker("w1", 100));
  EXPECT_EQ(effects_of<PrepareModel>(world.show()).size(), 1U);
}

TEST(ManagerPreparing, AModelReplacedMeanwhileIsPreparedAnew) {
  World world = with_model();
  world.model_named("m").files[0].digest = digest_of("newer");
  world.show();
  const Effects effects = prepared(world);
  EXPECT_THAT(published<SetPlan>(effects), IsEmpty());
  EXPECT_EQ(effects_of<PrepareModel>(effects).size(), 1U);
}

TEST(ManagerPreparing, AModelRemovedMeanwhileIsForgotten) {
  World world = with_model();
  world.truth.models.clear();
  world.show();
  prepared(world);
  EXPECT_THAT(published<SetPlan>(world.all), IsEmpty());
}

TEST(ManagerPreparing, AHubThatComesUpIsAskedAndToldAgain) {
  World world = with_model();
  prepared(world);
  const Effects hello = world.send(HubOnline{});
  EXPECT_EQ(published<protocol::ManagerHello>(hello).size(), 1U);
  world.truth.version = 0;  // it may count anew
  EXPECT_EQ(published<SetPlan>(world.show()).size(), 1U);
}

TEST(ManagerPreparing, ALostSnapshotIsAskedForAgain) {
  World world;
  world.send(Connected{});
  EXPECT_EQ(published<protocol::ManagerHello>(world.pass(10'000)).size(), 1U);
}

// A model with a plan whose bundles are gone from the hub.
World with_damaged_model() {
  World world;
  world.truth.workers = {worker("w1", 100)};
  const ModelRecord& model = world.deploy_planned(chain("m", 2, 10));
  world.truth.models[0].wanted_replication = "{}";
  world.start();
  world.settle(world.all);
  world.all.clear();
  world.send(Received{protocol::Damaged{{model.plan}}});
  return world;
}

TEST(ManagerRepair, BundlesThatAreGoneAreMadeAgainForTheSamePlan) {
  World world = with_damaged_model();
  const auto orders = effects_of<PrepareModel>(world.all);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].wanted_plan_json, world.model_named("m").plan_json);
  EXPECT_EQ(orders[0].wanted_replication, "") << "the plan has its own";
  const Effects done = world.send(Prepared{work_of(world), orders[0].wanted_plan_json, {}});
  EXPECT_EQ(published<SetPlan>(done).size(), 1U);
  world.send(Received{protocol::Damaged{}});
  EXPECT_THAT(effects_of<PrepareModel>(world.pass(60'000)), IsEmpty());
  EXPECT_THAT(published<SetRoutes>(world.all), IsEmpty()) << "nothing moves";
}

TEST(ManagerRepair, NeedsNoWorkers) {
  World world;
  const PlanId plan = world.deploy_planned(chain("m", 2, 10)).plan;
  world.start();
  EXPECT_EQ(effects_of<PrepareModel>(world.send(Received{protocol::Damaged{{plan}}})).size(), 1U);
}

TEST(ManagerRepair, ThatFailsIsTriedAgainAndFailsNoModel) {
  World world = with_damaged_model();
  world.send(PrepareFailed{work_of(world), Cause::model, "no ONNX"});
  EXPECT_THAT(published<ModelFailed>(world.all), IsEmpty()) << "its jobs would be failed";
  EXPECT_THAT(effects_of<PrepareModel>(world.pass(9000)), IsEmpty());
  EXPECT_EQ(effects_of<PrepareModel>(world.pass(1000)).size(), 1U);
}

TEST(ManagerPreparing, WhileDisconnectedNothingIsDecided) {
  World world = with_model();
  world.send(Disconnected{});
  EXPECT_THAT(effects_of<Publish>(prepared(world)), IsEmpty());
  EXPECT_EQ(published<protocol::ManagerHello>(world.send(Connected{})).size(), 1U);
  EXPECT_EQ(published<SetPlan>(world.show()).size(), 1U);
}

}  // namespace
}  // namespace hyps::manager::testing
