// Tasks of one partition that are computed in one go.
#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::worker {
namespace {

using namespace testing;

CoreConfig batching(std::uint32_t max_batch, int wait_ms = 0) {
  CoreConfig made = config();
  made.limits.tasks = 32;
  made.info.max_batch = max_batch;
  made.batch_wait = Milliseconds(wait_ms);
  return made;
}

class WorkerBatch : public ::testing::Test {
 protected:
  // v1 and v2 loaded; v1 gains from batches.
  static void make_ready(World& world) {
    world.send(Connected{});
    Effects effects = world.assign({assigned("v1"), assigned("v2")});
    for (std::size_t i = 0; i < effects.size(); ++i) {
      Effects more;
      if (const auto* fetch = std::get_if<Fetch>(&effects[i])) {
        more = world.send(Fetched{fetch->serial});
      }
      if (const auto* load = std::get_if<Load>(&effects[i])) {
        const bool gains = load->partition.partition.text == "v1";
        Needs needs;
        needs.further_image = 10;
        more = world.send(Loaded{load->serial, 9, 5, needs, gains});
      }
      effects.insert(effects.end(), more.begin(), more.end());
    }
    world.all.clear();
  }
  // A task whose input is there; what follows.
  static Effects give(World& world, const std::string& partition, int job) {
    const std::string id = "j" + std::to_string(job);
    const std::string input = "input of " + id;
    Effects effects = world.run(partition, {ref("x", input)}, 1, id);
    const Effects more = world.tensor(partition, "x", input, 1, id);
    effects.insert(effects.end(), more.begin(), more.end());
    return effects;
  }
  static std::vector<std::string> inputs_of(const Compute& compute) {
    std::vector<std::string> inputs;
    for (const auto& item : compute.items) inputs.emplace_back(item.inputs.at(0).data.text());
    return inputs;
  }
  // The whole batch is done; what follows.
  static Effects answer(World& world, const Compute& compute, std::uint64_t us = 1000) {
    const std::size_t together = compute.items.size();
    Effects effects;
    for (const auto& item : compute.items) {
      const Effects more = world.send(Computed{item.task,
                                               {{ref("y", "out"), blob("out")}},
                                               us / together,
                                               static_cast<std::uint32_t>(together)});
      effects.insert(effects.end(), more.begin(), more.end());
    }
    return effects;
  }
  // And its results are stored.
  static Effects finish(World& world, const Compute& compute, std::uint64_t us = 1000) {
    const Effects effects = answer(world, compute, us);
    for (const std::string& input : inputs_of(compute)) {
      world.receive(protocol::Stored{task_key("v1", input.substr(input.rfind(' ') + 1))});
    }
    return effects;
  }
  // What is computed next, after a wait where there is one.
  static Compute next(World& world, Effects effects) {
    for (const Wait& wait : effects_of<Wait>(effects)) effects = world.send(Waited{wait.wait});
    const auto computes = effects_of<Compute>(effects);
    EXPECT_EQ(computes.size(), 1U);
    return computes.empty() ? Compute{} : computes[0];
  }
  // The worker has seen single runs and batches of up to so many take 1 ms.
  static void learn(World& world, std::size_t largest) {
    int job = 1000;
    finish(world, next(world, give(world, "v1", ++job)));  // counts for nothing
    Compute running = next(world, give(world, "v1", ++job));
    for (std::size_t size = 2; size <= largest; size *= 2) {
      for (std::size_t i = 0; i < size; ++i) give(world, "v1", ++job);
      running = next(world, finish(world, running));
      EXPECT_EQ(running.items.size(), size);
    }
    finish(world, running);
    world.all.clear();
  }
};

TEST_F(WorkerBatch, WhatWaitsForTheSamePartitionIsComputedTogetherOldestFirst) {
  World world(batching(3));
  make_ready(world);
  learn(world, 2);
  const auto first = effects_of<Compute>(give(world, "v1", 0));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].items.size(), 1U) << "nothing waits for more by default";
  for (int job = 1; job <= 5; ++job) {
    EXPECT_TRUE(effects_of<Compute>(give(world, "v1", job)).empty());
  }
  const auto second = effects_of<Compute>(answer(world, first[0]));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(inputs_of(second[0]),
            (std::vector<std::string>{"input of j1", "input of j2", "input of j3"}));
  const auto third = effects_of<Compute>(answer(world, second[0]));
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(inputs_of(third[0]), (std::vector<std::string>{"input of j4", "input of j5"}));
  answer(world, third[0]);
  EXPECT_EQ(published<protocol::TaskDone>(world.all).size(), 6U);
}

TEST_F(WorkerBatch, TheThreadIsBusyUntilTheLastOfABatchIsAnswered) {
  World world(batching(2));
  make_ready(world);
  learn(world, 1);
  const auto first = effects_of<Compute>(give(world, "v1", 0));
  for (int job = 1; job <= 3; ++job) give(world, "v1", job);
  const auto second = effects_of<Compute>(answer(world, first.at(0)));
  ASSERT_EQ(second.at(0).items.size(), 2U);
  // The first of it is told while the other is still being computed, and is even forgotten.
  const TaskId done = second[0].items[0].task;
  EXPECT_TRUE(effects_of<Compute>(world.send(Computed{done, {}, 1})).empty());
  EXPECT_TRUE(effects_of<Compute>(world.receive(protocol::Stored{task_key("v1", "j1")})).empty());
  const TaskId failed = second[0].items[1].task;
  const auto third = effects_of<Compute>(world.send(ComputeFailed{failed, true, "no image"}));
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(inputs_of(third[0]), (std::vector<std::string>{"input of j3"}));
}

TEST_F(WorkerBatch, APartitionThatGainsNothingIsComputedOneByOne) {
  World world(batching(8));
  make_ready(world);
  auto computes = effects_of<Compute>(give(world, "v2", 0));
  for (int job = 1; job <= 3; ++job) give(world, "v2", job);
  for (int job = 1; job <= 3; ++job) {
    computes = effects_of<Compute>(answer(world, computes.at(0)));
    ASSERT_EQ(computes.size(), 1U);
    EXPECT_EQ(inputs_of(computes[0]),
              (std::vector<std::string>{"input of j" + std::to_string(job)}));
  }
}

TEST_F(WorkerBatch, WaitsForMoreOnlyOnceAndOnlyWhileThereIsNothingElseToDo) {
  World world(batching(4, 20));
  make_ready(world);
  learn(world, 2);
  const auto waits = effects_of<Wait>(give(world, "v1", 0));
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits[0].time, Milliseconds(20));
  const Effects meanwhile = give(world, "v1", 1);
  EXPECT_TRUE(effects_of<Compute>(meanwhile).empty());
  EXPECT_TRUE(effects_of<Wait>(meanwhile).empty());
  const auto first = effects_of<Compute>(world.send(Waited{waits[0].wait}));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].items.size(), 2U);
  // A task of another partition is there: no waiting.
  give(world, "v1", 2);
  give(world, "v2", 3);
  const Effects next = answer(world, first[0]);
  EXPECT_TRUE(effects_of<Wait>(next).empty());
  ASSERT_EQ(effects_of<Compute>(next).size(), 1U);
}

TEST_F(WorkerBatch, AFullBatchEndsTheWaitAndItsAnswerIsNotThatOfTheNext) {
  World world(batching(2, 20));
  make_ready(world);
  learn(world, 1);
  const auto waits = effects_of<Wait>(give(world, "v1", 0));
  ASSERT_EQ(waits.size(), 1U);
  const auto full = effects_of<Compute>(give(world, "v1", 1));
  ASSERT_EQ(full.size(), 1U);
  EXPECT_EQ(full[0].items.size(), 2U);
  answer(world, full[0]);
  const auto again = effects_of<Wait>(give(world, "v1", 2));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(effects_of<Compute>(world.send(Waited{waits[0].wait})).empty());
  EXPECT_EQ(effects_of<Compute>(world.send(Waited{again[0].wait})).size(), 1U);
}

TEST_F(WorkerBatch, AWaitForWhatIsGoneIsForgotten) {
  World world(batching(4, 20));
  make_ready(world);
  learn(world, 2);
  const auto waits = effects_of<Wait>(give(world, "v1", 0));
  ASSERT_EQ(waits.size(), 1U);
  world.receive(protocol::Stored{task_key("v1", "j0")});
  EXPECT_TRUE(effects_of<Compute>(world.send(Waited{waits[0].wait})).empty());
  EXPECT_EQ(effects_of<Wait>(give(world, "v1", 1)).size(), 1U);
}

// Inputs are 11 bytes; each image but the first needs room for 10 more.
TEST_F(WorkerBatch, IsAsLargeAsThereIsRoomForItsResults) {
  CoreConfig tight = batching(8);
  tight.limits.bytes = 60;
  World world(tight);
  make_ready(world);
  learn(world, 2);
  const auto first = effects_of<Compute>(give(world, "v1", 0));
  for (int job = 1; job <= 3; ++job) give(world, "v1", job);
  ASSERT_EQ(world.core.held_bytes(), 44U);
  const Effects effects = answer(world, first.at(0));
  const auto second = effects_of<Compute>(effects);
  ASSERT_EQ(second.size(), 1U);
  ASSERT_EQ(world.core.held_bytes(), 36U) << "three inputs and a result";
  EXPECT_EQ(second[0].items.size(), 3U);
  give(world, "v1", 4);
  EXPECT_EQ(world.core.held_bytes(), 36U) << "the room is the results'";
  answer(world, second[0]);
  give(world, "v1", 4);
  EXPECT_EQ(world.core.held_bytes(), 4 * 3U + 11U);
}

TEST_F(WorkerBatch, IsOfOneWhereThereIsNoRoomForMore) {
  CoreConfig tight = batching(8);
  tight.limits.bytes = 34;
  World world(tight);
  make_ready(world);
  learn(world, 1);
  const auto first = effects_of<Compute>(give(world, "v1", 0));
  for (int job = 1; job <= 2; ++job) give(world, "v1", job);
  const auto second = effects_of<Compute>(answer(world, first.at(0)));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].items.size(), 1U);
}

// The compute thread has them all until it is done with the last.
TEST_F(WorkerBatch, HoldsItsInputsToTheEndEvenOfTasksThatAreForgotten) {
  World world(batching(2));
  make_ready(world);
  learn(world, 1);
  const auto first = effects_of<Compute>(give(world, "v1", 0));
  for (int job = 1; job <= 2; ++job) give(world, "v1", job);
  const auto second = effects_of<Compute>(finish(world, first.at(0)));
  ASSERT_EQ(second.at(0).items.size(), 2U);
  ASSERT_EQ(world.core.held_bytes(), 22U);
  world.receive(protocol::Stored{task_key("v1", "j1")});
  EXPECT_EQ(world.core.held_bytes(), 22U) << "forgotten";
  const std::string other = "another input";
  world.run("v1", {ref("x", other)}, 2, "j2");
  EXPECT_EQ(world.core.held_bytes(), 22U) << "begun anew";
  world.tensor("v1", "x", other, 2, "j2");
  EXPECT_EQ(world.core.held_bytes(), 22U + 13U);
  world.send(Computed{second[0].items[0].task, {{ref("y", "out"), blob("out")}}, 7, 2});
  EXPECT_EQ(world.core.held_bytes(), 22U + 13U);
  const auto third = effects_of<Compute>(
      world.send(Computed{second[0].items[1].task, {{ref("y", "out"), blob("out")}}, 7, 2}));
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(world.core.held_bytes(), 13U);
  answer(world, third[0]);
  EXPECT_EQ(world.core.held_bytes(), 3U);
}

TEST_F(WorkerBatch, WhatOneAloneHoldsWhileItIsComputedIsHeldThoughItIsForgotten) {
  CoreConfig tight = batching(1);
  tight.limits.bytes = 20;
  World world(tight);
  make_ready(world);
  const auto running = effects_of<Compute>(give(world, "v1", 0));
  world.receive(protocol::Stored{task_key("v1", "j0")});
  give(world, "v1", 1);
  EXPECT_EQ(world.core.held_bytes(), 11U) << "no room for another";
  answer(world, running.at(0));
  EXPECT_EQ(world.core.held_bytes(), 0U);
  give(world, "v1", 1);
  EXPECT_EQ(world.core.held_bytes(), 11U);
}

TEST_F(WorkerBatch, TheFirstAnswersOfAPartitionWaitForNobody) {
  World world(batching(8));
  make_ready(world);
  Compute running = next(world, give(world, "v1", 0));
  for (int job = 1; job <= 20; ++job) give(world, "v1", job);
  std::vector<std::size_t> sizes;
  for (;;) {
    sizes.push_back(running.items.size());
    if (sizes.size() == 6) break;
    running = next(world, answer(world, running));
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 2, 4, 8, 5}));
}

TEST_F(WorkerBatch, WhatIsLoadedAgainBeginsWithARunThatCountsForNothing) {
  World world(batching(8));
  make_ready(world);
  learn(world, 8);
  world.assign({assigned("v1", 10, 2), assigned("v2")});
  Compute running = next(world, give(world, "v1", 0));
  for (int job = 1; job <= 8; ++job) give(world, "v1", job);
  running = next(world, answer(world, running));
  EXPECT_EQ(running.items.size(), 8U) << "a new epoch is no news about its time";
}

}  // namespace
}  // namespace hyps::worker
