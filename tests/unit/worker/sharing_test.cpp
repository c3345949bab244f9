// Tasks of one job that take the same input, which is sent once.
#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::worker::testing {
namespace {

using protocol::Lacking;

class WorkerSharing : public ::testing::Test {
 protected:
  void SetUp() override { world.ready({assigned("h1"), assigned("h2"), assigned("h3")}); }
  Effects run_sharing(const std::string& partition, const std::string& content = "input") {
    return world.receive(
        protocol::Run{task_key(partition, "j1"), 1, {ref("a", content)}, false, {"a"}});
  }
  Effects begin_stream(const std::string& partition, std::uint64_t stream, std::uint64_t offset,
                       const std::string& part) {
    return world.receive(
        protocol::Chunk{stream, task_key(partition, "j1"), 1, "a", offset, 5, blob(part)});
  }

  World world;
};

TEST_F(WorkerSharing, ATaskTakesWhatAnotherHas) {
  world.run("h1", {ref("a", "input")});
  const auto first = effects_of<Compute>(world.tensor("h1", "a", "input"));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(published<Lacking>(run_sharing("h2")).empty());
  EXPECT_EQ(world.core.held_bytes(), 5U) << "it is there once";
  const auto second = effects_of<Compute>(world.computed(first[0]));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].items.at(0).inputs.at(0).data.text(), "input");
  EXPECT_EQ(world.core.held_bytes(), 5U + 6U) << "and a result";
}

TEST_F(WorkerSharing, WhoComputesWithWhatItSharesHoldsNothingThatOthersLack) {
  world.run("h1", {ref("a", "input")});
  auto work = effects_of<Compute>(world.tensor("h1", "a", "input"));
  run_sharing("h2");
  work = effects_of<Compute>(world.computed(work.at(0)));
  ASSERT_EQ(work.size(), 1U) << "h2 computes";
  world.run("h3", {ref("b", "other")});
  world.tensor("h3", "b", "other");
  EXPECT_EQ(world.core.counters().refused, 0U);
  EXPECT_EQ(world.core.held_bytes(), 5U + 6U + 5U);
}

TEST_F(WorkerSharing, WhatArrivesForOneIsThereForAllThatWait) {
  world.run("h1", {ref("a", "input")});
  run_sharing("h2");
  EXPECT_TRUE(published<Lacking>(run_sharing("h3")).empty());
  auto work = effects_of<Compute>(world.tensor("h1", "a", "input"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(work.size(), 1U);
    work = effects_of<Compute>(world.computed(work[0]));
  }
  EXPECT_TRUE(work.empty());
  EXPECT_EQ(world.core.counters(), Counters());
}

TEST_F(WorkerSharing, WhatIsOnItsWayForAnotherIsWaitedFor) {
  begin_stream("h1", 7, 0, "in");
  EXPECT_TRUE(published<Lacking>(run_sharing("h2")).empty()) << "relayed, before its Run";
  EXPECT_EQ(effects_of<Compute>(begin_stream("h1", 7, 2, "put")).size(), 1U);
}

TEST_F(WorkerSharing, WhatNobodyHasOrWillGetIsAskedForOnce) {
  world.run("h1", {ref("a", "input")});
  const auto first = effects_of<Compute>(world.tensor("h1", "a", "input"));
  world.computed(first.at(0));
  const auto asked = published<Lacking>(run_sharing("h2"));
  ASSERT_EQ(asked.size(), 1U) << "the inputs of what is computed are gone";
  EXPECT_EQ(asked[0].task, task_key("h2", "j1"));
  EXPECT_EQ(asked[0].epoch, 1U);
  EXPECT_TRUE(published<Lacking>(world.pass(10)).empty());
  world.run("h2", {ref("a", "input")});
  EXPECT_EQ(effects_of<Compute>(world.tensor("h2", "a", "input")).size(), 1U);
}

// A hub that was started anew does not know that it was asked.
TEST_F(WorkerSharing, WhoHasAskedSharesAgainWhenTheRunSaysSo) {
  ASSERT_EQ(published<Lacking>(run_sharing("h2")).size(), 1U);
  world.run("h1", {ref("a", "input")});
  EXPECT_TRUE(published<Lacking>(run_sharing("h2")).empty());
  const auto first = effects_of<Compute>(world.tensor("h1", "a", "input"));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(effects_of<Compute>(world.computed(first[0])).size(), 1U);
}

TEST_F(WorkerSharing, WhenTheOtherIsForgottenItsInputIsAskedFor) {
  world.run("h1", {ref("a", "input")});
  run_sharing("h2");
  const auto asked = published<Lacking>(world.receive(protocol::Stored{task_key("h1", "j1")}));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].task, task_key("h2", "j1"));
}

TEST_F(WorkerSharing, AnotherContentIsNoInput) {
  world.run("h1", {ref("a", "input")});
  world.tensor("h1", "a", "input");
  EXPECT_EQ(published<Lacking>(run_sharing("h2", "other")).size(), 1U);
}

TEST_F(WorkerSharing, OfAnotherJobItIsNotTaken) {
  world.run("h1", {ref("a", "input")}, 1, "j2");
  world.tensor("h1", "a", "input", 1, "j2");
  EXPECT_EQ(published<Lacking>(run_sharing("h2")).size(), 1U);
}

TEST_F(WorkerSharing, WhileItArrivesForAnotherNobodyExpires) {
  world.run("h1", {ref("a", "input")});
  run_sharing("h2");
  for (std::uint64_t i = 0; i < 4; ++i) {
    begin_stream("h1", 7, i, "i");
    world.pass(3000);
  }
  EXPECT_EQ(world.core.counters().expired, 0U);
}

// A task that is alone may hold more than all together: who shares with it is nobody else.
TEST_F(WorkerSharing, ATaskOfTheWholeMemoryIsAloneBesideThoseThatShareWithIt) {
  CoreConfig large = config();
  large.limits.alone = 3000;
  World other(large);
  other.ready({assigned("h1"), assigned("h2")});
  const std::string content(1500, 'x');
  other.run("h1", {ref("a", content), ref("b", std::string(1400, 'y'))});
  other.tensor("h1", "a", content);
  other.receive(
      protocol::Run{task_key("h2", "j1"), 1, {ref("a", content), ref("c", "c")}, false, {"a"}});
  EXPECT_EQ(effects_of<Compute>(other.tensor("h1", "b", std::string(1400, 'y'))).size(), 1U);
}

TEST_F(WorkerSharing, NothingIsAskedForWhileDisconnected) {
  world.run("h1", {ref("a", "input")});
  run_sharing("h2");
  begin_stream("h1", 7, 0, "in");
  EXPECT_TRUE(published<Lacking>(world.send(Disconnected{})).empty());
  EXPECT_TRUE(published<Lacking>(world.send(Connected{})).empty()) << "its Run is due";
}

}  // namespace
}  // namespace hyps::worker::testing
