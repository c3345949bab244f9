// A task's way: inputs in any order, verified, computed once, sent until stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/worker/world.hpp"

namespace hyps::worker::testing {
namespace {

using protocol::Heartbeat;
using protocol::TaskDone;
using protocol::TaskFailed;

TEST(WorkerTask, ComputesWhenRunAndAllInputsAreHere) {
  World world;
  world.ready({assigned("v1")});
  EXPECT_TRUE(world.settle(world.run("v1", {ref("a", "AA"), ref("b", "BBB")})).empty());
  EXPECT_TRUE(world.settle(world.tensor("v1", "b", "BBB")).empty());
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  ASSERT_EQ(computes.size(), 1U);
  ASSERT_EQ(computes[0].items.at(0).inputs.size(), 2U);
  EXPECT_EQ(computes[0].items.at(0).inputs[0].name, "a");
  EXPECT_EQ(computes[0].items.at(0).inputs[0].data.text(), "AA");
  EXPECT_EQ(computes[0].items.at(0).inputs[1].data.text(), "BBB");
}

TEST(WorkerTask, TensorsMayArriveBeforeTheirRun) {
  World world;
  world.ready({assigned("v1")});
  EXPECT_TRUE(world.settle(world.tensor("v1", "a", "AA")).empty());
  EXPECT_EQ(world.settle(world.run("v1", {ref("a", "AA")})).size(), 1U);
}

// What was relayed may turn out not to be the result.
TEST(WorkerTask, BeforeItsRunTheLatestSendingOfATensorCounts) {
  World world;
  world.ready({assigned("v1")});
  EXPECT_TRUE(world.settle(world.tensor("v1", "a", "no")).empty());
  EXPECT_TRUE(world.settle(world.tensor("v1", "a", "AA")).empty());
  const auto computes = world.settle(world.run("v1", {ref("a", "AA")}));
  ASSERT_EQ(computes.size(), 1U);
  EXPECT_EQ(computes[0].items.at(0).inputs.at(0).data.text(), "AA");
}

// A relay that broke off takes no room from the sending that follows it.
TEST(WorkerTask, SendingThatBrokeOffGivesWayToTheNext) {
  World world;  // 1000 bytes
  world.ready({assigned("v1")});
  const std::string large(700, 'x');
  world.receive(protocol::Chunk{100, task_key("v1"), 1, "a", 0, large.size(), blob("xxx")});
  EXPECT_EQ(world.core.held_bytes(), 700U);
  world.run("v1", {ref("a", large)});
  EXPECT_EQ(world.settle(world.tensor("v1", "a", large)).size(), 1U);
  EXPECT_EQ(world.core.held_bytes(), 700U);
}

TEST(WorkerTask, ResultIsAnnouncedStreamedAndForgottenWhenStored) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  const Effects effects = world.computed(computes.at(0), "out");
  const auto done = published<TaskDone>(effects);
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].task, task_key("v1"));
  EXPECT_EQ(done[0].epoch, 1U);
  EXPECT_EQ(done[0].compute_us, 7U);
  EXPECT_EQ(done[0].made_of, protocol::digest_of_inputs({ref("a", "AA")}));
  EXPECT_EQ(done[0].outputs, std::vector{ref("y", "out")});
  const auto streams = effects_of<SendTensor>(effects);
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0].data.text(), "out");
  EXPECT_EQ(published<Heartbeat>(world.pass(1000)).at(0).tasks.size(), 1U);

  world.receive(protocol::Stored{task_key("v1")});
  EXPECT_TRUE(published<Heartbeat>(world.pass(1000)).at(0).tasks.empty());
  EXPECT_EQ(world.core.held_bytes(), 0U);
}

TEST(WorkerTask, TheSameRunTwiceIsComputedOnce) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto first = world.settle(world.tensor("v1", "a", "AA"));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(world.settle(world.run("v1", {ref("a", "AA")})).empty());
  EXPECT_TRUE(world.settle(world.tensor("v1", "a", "AA")).empty());
  world.computed(first[0]);
  EXPECT_TRUE(effects_of<Compute>(world.run("v1", {ref("a", "AA")})).empty());
  EXPECT_TRUE(effects_of<Compute>(world.tensor("v1", "a", "AA")).empty());
}

TEST(WorkerTask, ARunAgainAfterTheResultWasSentSendsItAgain) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const Effects first = world.computed(world.settle(world.tensor("v1", "a", "AA")).at(0));
  EXPECT_TRUE(published<TaskDone>(world.run("v1", {ref("a", "AA")})).empty())
      << "while it is still on its way out, sending again is waste";
  world.send(Sent{effects_of<SendTensor>(first).at(0).stream});
  EXPECT_EQ(published<TaskDone>(world.run("v1", {ref("a", "AA")})).size(), 1U);
}

TEST(WorkerTask, ResultIsSentAgainAfterSomeSecondsWithoutStored) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const Effects first = world.computed(world.settle(world.tensor("v1", "a", "AA")).at(0));
  EXPECT_TRUE(published<TaskDone>(world.pass(10'000)).empty()) << "a slow link is no loss";
  world.send(Sent{effects_of<SendTensor>(first).at(0).stream});
  EXPECT_TRUE(published<TaskDone>(world.pass(2900)).empty());
  const Effects again = world.pass(200);
  EXPECT_EQ(published<TaskDone>(again).size(), 1U);
  EXPECT_NE(effects_of<SendTensor>(again).at(0).stream, effects_of<SendTensor>(first).at(0).stream);
}

TEST(WorkerTask, ResultIsSentAgainAfterReconnect) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  world.computed(world.settle(world.tensor("v1", "a", "AA")).at(0));
  EXPECT_EQ(effects_of<StopSending>(world.send(Disconnected{})).size(), 1U);
  const Effects effects = world.send(Connected{});
  EXPECT_EQ(published<protocol::Hello>(effects).size(), 1U);
  EXPECT_EQ(published<TaskDone>(effects).size(), 1U);
  EXPECT_EQ(effects_of<SendTensor>(effects).size(), 1U);
}

TEST(WorkerTask, WhatWasComputedWhileDisconnectedIsSentOnceConnected) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  world.send(Disconnected{});
  const Effects offline = world.computed(computes.at(0));
  EXPECT_TRUE(effects_of<Publish>(offline).empty());
  EXPECT_TRUE(effects_of<SendTensor>(offline).empty());
  EXPECT_EQ(published<TaskDone>(world.send(Connected{})).size(), 1U);
}

TEST(WorkerTask, AHubThatComesUpIsToldAndGetsTheResultsAgain) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  world.computed(world.settle(world.tensor("v1", "a", "AA")).at(0));
  const Effects effects = world.send(HubOnline{});
  EXPECT_EQ(published<protocol::Hello>(effects).size(), 1U);
  EXPECT_EQ(published<TaskDone>(effects).size(), 1U);
}

TEST(WorkerTask, AnInputWithAnotherDigestIsDroppedAndTheRightOneStillTaken) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  EXPECT_TRUE(world.settle(world.tensor("v1", "a", "AX")).empty());
  EXPECT_EQ(world.core.counters().mismatched, 1U);
  EXPECT_EQ(world.settle(world.tensor("v1", "a", "AA")).size(), 1U);
}

TEST(WorkerTask, AWrongInputThatCameBeforeItsRunIsDroppedToo) {
  World world;
  world.ready({assigned("v1")});
  world.tensor("v1", "a", "AX");
  EXPECT_TRUE(world.settle(world.run("v1", {ref("a", "AA")})).empty());
  EXPECT_EQ(world.core.counters().mismatched, 1U);
  EXPECT_EQ(world.settle(world.tensor("v1", "a", "AA")).size(), 1U);
}

TEST(WorkerTask, WithoutProgressItLeavesTheHeartbeat) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  EXPECT_EQ(published<Heartbeat>(world.pass(4900)).at(0).tasks.size(), 1U);
  EXPECT_TRUE(published<Heartbeat>(world.pass(1100)).at(0).tasks.empty());
  EXPECT_EQ(world.core.counters().expired, 1U);
}

TEST(WorkerTask, AChunkIsProgress) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AAAA")});
  for (std::uint64_t i = 0; i < 3; ++i) {
    world.pass(4000);
    world.receive(protocol::Chunk{9, task_key("v1"), 1, "a", i, 4, blob("A")});
  }
  EXPECT_EQ(world.core.counters().expired, 0U);
  EXPECT_EQ(world.settle(world.receive(protocol::Chunk{9, task_key("v1"), 1, "a", 3, 4, blob("A")}))
                .size(),
            1U);
}

TEST(WorkerTask, ABrokenConnectionDropsHalfAStream) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AAAA")});
  world.receive(protocol::Chunk{9, task_key("v1"), 1, "a", 0, 4, blob("AA")});
  EXPECT_GT(world.core.held_bytes(), 0U);
  world.send(Disconnected{});
  EXPECT_EQ(world.core.held_bytes(), 0U);
}

TEST(WorkerTask, ARunOfAPartitionNotYetAssignedWaitsForIt) {
  World world;
  world.ready({});
  world.run("v1", {ref("a", "AA")});
  EXPECT_TRUE(world.settle(world.tensor("v1", "a", "AA")).empty());
  world.pass(3000);
  EXPECT_EQ(world.settle(world.assign({assigned("v1")})).size(), 1U);
}

TEST(WorkerTask, ARunOfAPartitionNeverAssignedIsGivenUp) {
  World world;
  world.ready({});
  world.run("v1", {ref("a", "AA")});
  world.tensor("v1", "a", "AA");
  EXPECT_TRUE(published<Heartbeat>(world.pass(5000)).at(0).tasks.empty());
}

TEST(WorkerTask, WhatIsNoLongerAssignedIsDropped) {
  World world;
  world.ready({assigned("v1"), assigned("v2")});
  world.run("v1", {ref("a", "AA")});
  world.assign({assigned("v2")});
  EXPECT_TRUE(published<Heartbeat>(world.pass(1000)).at(0).tasks.empty());
}

TEST(WorkerTask, AnOlderEpochIsDropped) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")}, 3);
  world.run("v1", {ref("a", "BB")}, 2);
  world.tensor("v1", "a", "AA", 2);
  EXPECT_EQ(world.core.counters().stale, 2U);
  EXPECT_EQ(world.settle(world.tensor("v1", "a", "AA", 3)).size(), 1U);
}

TEST(WorkerTask, AHigherEpochWithTheSameInputsTakesOverWhatIsComputed) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  world.run("v1", {ref("a", "AA")}, 2);
  EXPECT_EQ(published<TaskDone>(world.computed(computes.at(0))).at(0).epoch, 2U);
  EXPECT_EQ(published<TaskDone>(world.run("v1", {ref("a", "AA")}, 3)).at(0).epoch, 3U);
}

TEST(WorkerTask, AHigherEpochWithOtherInputsStartsOver) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  world.run("v1", {ref("a", "BB")}, 2);
  EXPECT_TRUE(published<TaskDone>(world.computed(computes.at(0))).empty());
  EXPECT_EQ(world.settle(world.tensor("v1", "a", "BB", 2)).size(), 1U);
}

TEST(WorkerTask, WhatOtherInputsMadeIsSentNoMore) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  const auto sent = effects_of<SendTensor>(world.computed(computes.at(0)));
  ASSERT_EQ(sent.size(), 1U);
  const auto stopped = effects_of<StopSending>(world.run("v1", {ref("a", "BB")}));
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(stopped[0].stream, sent[0].stream);
}

TEST(WorkerTask, StoredDuringComputingForgetsTheResult) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  world.receive(protocol::Stored{task_key("v1")});
  EXPECT_TRUE(published<TaskDone>(world.computed(computes.at(0))).empty());
}

TEST(WorkerTask, AFailedComputationIsToldWithItsKindAndForgotten) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  const auto computes = world.settle(world.tensor("v1", "a", "AA"));
  const auto failed = published<TaskFailed>(
      world.send(ComputeFailed{computes.at(0).items.at(0).task, true, "no image"}));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_TRUE(failed[0].permanent);
  EXPECT_EQ(failed[0].message, "no image");
  EXPECT_EQ(failed[0].epoch, 1U);
  EXPECT_TRUE(published<Heartbeat>(world.pass(1000)).at(0).tasks.empty());
}

TEST(WorkerTask, ResultsNobodyAnswersAreGivenUpOnceTheirPartitionIsGone) {
  World world;
  world.ready({assigned("v1")});
  world.run("v1", {ref("a", "AA")});
  world.computed(world.settle(world.tensor("v1", "a", "AA")).at(0));
  world.assign({});
  for (int i = 0; i < 20; ++i) {
    for (const SendTensor& stream : effects_of<SendTensor>(world.all)) {
      world.send(Sent{stream.stream});
    }
    world.pass(3000);
  }
  EXPECT_EQ(world.core.held_bytes(), 0U);
}

TEST(WorkerTask, BoundsOnTasksAndBytesHold) {
  World world;  // 8 tasks, 1000 bytes
  world.ready({assigned("v1")});
  const std::string large(300, 'x');
  for (int i = 0; i < 20; ++i) {
    const std::string job = "job" + std::to_string(i);
    world.run("v1", {ref("a", large), ref("b", "B")}, 1, job);
    world.tensor("v1", "a", large, 1, job);
    EXPECT_LE(world.core.held_bytes(), 1000U);
  }
  EXPECT_EQ(published<Heartbeat>(world.pass(1000)).at(0).tasks.size(), 8U);
  EXPECT_GE(world.core.counters().refused, 12U);
}

TEST(WorkerTask, InputsBeyondTheBuffersFailWithAReason) {
  World world;
  world.ready({assigned("v1")});
  const auto failed = published<TaskFailed>(world.run("v1", {ref("a", std::string(1001, 'x'))}));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_FALSE(failed[0].permanent);
  EXPECT_THAT(failed[0].message, ::testing::HasSubstr("memory"));
}

TEST(WorkerTask, AloneOneMayHoldMoreThanAllTogether) {
  auto settings = config();
  settings.limits = {8, 100, Milliseconds{5000}, 1000};
  World world(settings);
  world.ready({assigned("v1")});
  const std::string large(600, 'x');
  const std::string small(50, 'y');
  world.run("v1", {ref("a", small), ref("b", small)}, 1, "small");
  world.tensor("v1", "a", small, 1, "small");
  world.run("v1", {ref("a", large), ref("b", "B")}, 1, "large");
  world.tensor("v1", "a", large, 1, "large");
  EXPECT_EQ(world.core.held_bytes(), 50U) << "not beside another task's";
  for (const Compute& work : effects_of<Compute>(world.tensor("v1", "b", small, 1, "small"))) {
    world.computed(work);
  }
  world.receive(protocol::Stored{task_key("v1", "small")});
  ASSERT_EQ(world.core.held_bytes(), 0U);
  world.tensor("v1", "a", large, 1, "large");
  EXPECT_EQ(world.core.held_bytes(), 600U);
  world.tensor("v1", "a", small, 1, "other");
  EXPECT_EQ(world.core.held_bytes(), 600U) << "nor anything beside it";
  EXPECT_EQ(effects_of<Compute>(world.tensor("v1", "b", "B", 1, "large")).size(), 1U);
}

TEST(WorkerTask, AReplicaAnnouncesAndSendsItsOutputsOnlyWhenAsked) {
  World world;
  world.ready({assigned("v1")});
  const protocol::Run announce{task_key("v1", "j1"), 1, {ref("a", "in")}, true};
  world.receive(announce);
  const auto computes = effects_of<Compute>(world.tensor("v1", "a", "in"));
  ASSERT_EQ(computes.size(), 1U);
  const Effects announced = world.computed(computes[0]);
  EXPECT_EQ(published<protocol::TaskDone>(announced).size(), 1U);
  EXPECT_TRUE(effects_of<SendTensor>(announced).empty());
  const Effects again = world.pass(3000);
  EXPECT_EQ(published<protocol::TaskDone>(again).size(), 1U) << "nobody has answered";
  EXPECT_TRUE(effects_of<SendTensor>(again).empty());

  protocol::Run asked = announce;
  asked.announce = false;
  const Effects sent = world.receive(asked);
  ASSERT_EQ(effects_of<SendTensor>(sent).size(), 1U);
  EXPECT_EQ(effects_of<SendTensor>(sent)[0].data.text(), "result");
  world.receive(protocol::Stored{announce.task});
  EXPECT_EQ(world.core.held_bytes(), 0U);
}

TEST(WorkerTask, ForeignAndMalformedMessagesAreCounted) {
  World world;
  world.ready({});
  world.receive(protocol::Hello{});
  world.send(Malformed{"bad checksum"});
  EXPECT_EQ(world.core.counters().malformed, 2U);
  const auto drops = [](const Effects& effects) {
    int lines = 0;
    for (const Log& line : effects_of<Log>(effects)) lines += line.event == "dropped" ? 1 : 0;
    return lines;
  };
  EXPECT_EQ(drops(world.pass(1000)), 1);
  EXPECT_EQ(drops(world.pass(1000)), 0) << "nothing new";
}

TEST(WorkerTask, AnAssignForAFormerLifeIsIgnored) {
  World world;
  world.send(Connected{});
  const Effects effects = world.receive(protocol::Assign{kIncarnation + 1, {assigned("v1")}});
  EXPECT_TRUE(effects_of<Fetch>(effects).empty());
}

}  // namespace
}  // namespace hyps::worker::testing
