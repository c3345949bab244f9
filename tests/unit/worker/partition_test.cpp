// Partitions in and out of memory: budget, order of eviction, loading ahead, what cannot be loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/random.hpp"
#include "tests/unit/worker/world.hpp"

namespace hyps::worker::testing {
namespace {

using protocol::Heartbeat;
using protocol::TaskFailed;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> loaded(const Effects& effects) {
  std::vector<std::string> names;
  for (const Load& load : effects_of<Load>(effects)) {
    names.push_back(load.partition.partition.text);
  }
  return names;
}

// Computes one task of the partition from Run to Stored; gives what happened on the way.
Effects compute(World& world, const std::string& partition, const std::string& job) {
  const std::size_t begin = world.all.size();
  Effects effects = world.run(partition, {ref("a", "AA")}, 1, job);
  const Effects more = world.tensor(partition, "a", "AA", 1, job);
  effects.insert(effects.end(), more.begin(), more.end());
  for (const Compute& work : world.settle(effects)) world.settle(world.computed(work));
  world.receive(protocol::Stored{task_key(partition, job)});
  return {world.all.begin() + static_cast<std::ptrdiff_t>(begin), world.all.end()};
}

TEST(WorkerPartition, AssignedOnesAreFetchedAndLoadedAheadWhileTheyFit) {
  World world(config(25));
  world.send(Connected{});
  const Effects effects = world.assign({assigned("v1"), assigned("v2"), assigned("v3")});
  EXPECT_EQ(effects_of<Fetch>(effects).size(), 3U);
  EXPECT_EQ(effects_of<Keep>(effects).at(0).files.size(), 3U);
  world.settle(effects);
  EXPECT_THAT(loaded(world.all), ElementsAre("v1", "v2"));
  const Heartbeat beat = published<Heartbeat>(world.pass(1000)).at(0);
  EXPECT_THAT(beat.loaded, ElementsAre(PartitionName("m@1/v1"), PartitionName("m@1/v2")));
  EXPECT_EQ(beat.resident_bytes, 18U);
}

TEST(WorkerPartition, TheLeastRecentlyUsedMakesRoom) {
  World world(config(25));
  world.ready({assigned("v1"), assigned("v2"), assigned("v3")});
  compute(world, "v1", "j1");  // v2 is now the older one
  const Effects effects = compute(world, "v3", "j2");
  EXPECT_THAT(loaded(effects), ElementsAre("v3"));
  EXPECT_EQ(effects_of<Unload>(effects).size(), 1U);
  EXPECT_TRUE(loaded(compute(world, "v1", "j3")).empty()) << "v1 must have stayed";
}

TEST(WorkerPartition, ASmallOneWhoseRoomIsNotNeededStays) {
  World world(config(25));
  world.ready({assigned("small", 1), assigned("v1", 20), assigned("v2", 20)});
  compute(world, "small", "j1");
  compute(world, "v1", "j2");
  const Effects effects = compute(world, "v2", "j3");
  EXPECT_EQ(effects_of<Unload>(effects).size(), 1U);
  EXPECT_TRUE(loaded(compute(world, "small", "j4")).empty());
}

TEST(WorkerPartition, TheBudgetHoldsWhateverComes) {
  Random random(5);
  World world(config(30));
  std::map<std::string, std::uint64_t> sizes;
  std::vector<protocol::AssignedPartition> all;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "v" + std::to_string(i);
    sizes[name] = 1 + random.below(30);
    all.push_back(assigned(name, sizes[name]));
  }
  world.ready(all);
  for (int i = 0; i < 200; ++i) {
    compute(world, "v" + std::to_string(random.below(8)), "j" + std::to_string(i));
    std::uint64_t used = 0;
    const auto beats = published<Heartbeat>(world.pass(1000));
    for (const PartitionName& name : beats.at(0).loaded) {
      used += sizes.at(name.text.substr(4));
    }
    EXPECT_LE(used, 30U);
  }
}

TEST(WorkerPartition, OneWorkerTakesAWholeModelInTurns) {
  World world(config(10));
  world.ready({assigned("v1"), assigned("v2"), assigned("v3")});
  EXPECT_THAT(loaded(compute(world, "v1", "j1")), ElementsAre());
  EXPECT_THAT(loaded(compute(world, "v2", "j1")), ElementsAre("v2"));
  EXPECT_THAT(loaded(compute(world, "v3", "j1")), ElementsAre("v3"));
  EXPECT_THAT(loaded(compute(world, "v1", "j2")), ElementsAre("v1"));
}

TEST(WorkerPartition, UnloadComesBeforeTheLoadItMakesRoomFor) {
  World world(config(10));
  world.ready({assigned("v1"), assigned("v2")});
  world.run("v2", {ref("a", "AA")});
  const Effects effects = world.tensor("v2", "a", "AA");
  std::vector<std::size_t> order;
  for (const Effect& effect : effects) {
    if (std::holds_alternative<Unload>(effect) || std::holds_alternative<Load>(effect)) {
      order.push_back(effect.index());
    }
  }
  EXPECT_THAT(order, ElementsAre(Effect(Unload{}).index(), Effect(Load{}).index()));
}

TEST(WorkerPartition, ALoadedPartitionGoesFirstButNotForEver) {
  World world(config(10));
  world.ready({assigned("v1"), assigned("v2")});  // v1 is loaded
  world.run("v1", {ref("a", "AA")}, 1, "j0");
  auto work = world.settle(world.tensor("v1", "a", "AA", 1, "j0"));
  world.run("v2", {ref("a", "AA")}, 1, "other");
  world.tensor("v2", "a", "AA", 1, "other");
  int before_other = 0;
  for (int i = 1; i < 50; ++i) {
    const std::string job = "j" + std::to_string(i);
    world.run("v1", {ref("a", "AA")}, 1, job);
    world.tensor("v1", "a", "AA", 1, job);
    const Effects effects = world.computed(work.at(0));
    world.receive(protocol::Stored{task_key("v1", "j" + std::to_string(i - 1))});
    work = effects_of<Compute>(effects);
    if (work.empty()) {
      EXPECT_THAT(loaded(effects), ElementsAre("v2"));
      break;
    }
    ++before_other;
  }
  EXPECT_EQ(before_other, 8);
}

TEST(WorkerPartition, OneAboveTheBudgetIsRefusedAndSaidSo) {
  World world(config(50));
  world.send(Connected{});
  const Effects effects = world.assign({assigned("v1", 51)});
  EXPECT_TRUE(effects_of<Fetch>(effects).empty());
  EXPECT_THAT(published<Heartbeat>(world.pass(1000)).at(0).problem, HasSubstr("m@1/v1 needs"));
  const auto failed = published<TaskFailed>(world.run("v1", {ref("a", "AA")}));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_FALSE(failed[0].permanent);
  EXPECT_THAT(failed[0].message, HasSubstr("memory"));
}

TEST(WorkerPartition, AFileNameThatLeavesTheBundleIsRefused) {
  World world;
  world.send(Connected{});
  auto bad = assigned("v1");
  bad.files[0].name = "../../etc/passwd";
  EXPECT_TRUE(effects_of<Fetch>(world.assign({bad})).empty());
  EXPECT_THAT(published<Heartbeat>(world.pass(1000)).at(0).problem, HasSubstr("file name"));
}

TEST(WorkerPartition, AFailedFetchFailsItsTasksAndIsTriedAgain) {
  World world;
  world.send(Connected{});
  const auto fetch = effects_of<Fetch>(world.assign({assigned("v1")})).at(0);
  world.run("v1", {ref("a", "AA")});
  world.tensor("v1", "a", "AA");
  const Effects effects = world.send(FetchFailed{fetch.serial, "the hub does not have it"});
  const auto failed = published<TaskFailed>(effects);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_FALSE(failed[0].permanent);
  EXPECT_THAT(published<Heartbeat>(effects).at(0).problem, HasSubstr("the hub does not have it"));
  EXPECT_TRUE(effects_of<Fetch>(world.pass(4000)).empty());
  world.settle(world.pass(1000));
  EXPECT_EQ(published<Heartbeat>(world.pass(1000)).at(0).problem, "");
  EXPECT_THAT(loaded(world.all), ElementsAre("v1"));
}

TEST(WorkerPartition, AFailedLoadFailsItsTasksAndIsTriedAgainLater) {
  World world;
  world.send(Connected{});
  const auto fetch = effects_of<Fetch>(world.assign({assigned("v1")})).at(0);
  const auto load = effects_of<Load>(world.send(Fetched{fetch.serial})).at(0);
  world.run("v1", {ref("a", "AA")});
  world.tensor("v1", "a", "AA");
  const Effects effects = world.send(LoadFailed{load.serial, "no memory"});
  EXPECT_EQ(published<TaskFailed>(effects).size(), 1U);
  EXPECT_TRUE(effects_of<Load>(effects).empty()) << "not at once: that would be a busy loop";
  world.settle(world.pass(5000));
  EXPECT_EQ(published<Heartbeat>(world.pass(1000)).at(0).loaded.size(), 1U);
}

TEST(WorkerPartition, OneUnassignedWhileLoadingIsUnloaded) {
  World world;
  world.send(Connected{});
  const auto fetch = effects_of<Fetch>(world.assign({assigned("v1")})).at(0);
  const auto load = effects_of<Load>(world.send(Fetched{fetch.serial})).at(0);
  world.assign({});
  const auto unloads = effects_of<Unload>(world.send(Loaded{load.serial, 9, 5}));
  ASSERT_EQ(unloads.size(), 1U);
  EXPECT_EQ(unloads[0].serial, load.serial);
}

TEST(WorkerPartition, TheSameAssignmentAgainChangesNothing) {
  World world;
  world.ready({assigned("v1"), assigned("v2")});
  const Effects effects = world.assign({assigned("v2"), assigned("v1")});
  EXPECT_TRUE(effects_of<Fetch>(effects).empty());
  EXPECT_TRUE(effects_of<Load>(effects).empty());
  EXPECT_TRUE(effects_of<Unload>(effects).empty());
}

TEST(WorkerPartition, OtherFilesUnderTheSameNameAreLoadedAnew) {
  World world;
  world.ready({assigned("v1")});
  auto changed = assigned("v1");
  changed.files[0].digest = digest_of("other");
  const Effects effects = world.assign({changed});
  EXPECT_EQ(effects_of<Unload>(effects).size(), 1U);
  EXPECT_EQ(effects_of<Fetch>(effects).size(), 1U);
}

TEST(WorkerPartition, LoadTimeIsToldWithTheTaskThatWaitedForIt) {
  World world(config(10));
  world.ready({assigned("v1"), assigned("v2")});
  const auto first = published<protocol::TaskDone>(compute(world, "v2", "j1"));
  EXPECT_EQ(first.at(0).load_us, 5U);
  const auto second = published<protocol::TaskDone>(compute(world, "v2", "j2"));
  EXPECT_EQ(second.at(0).load_us, 0U);
}

// ---- weights that need not be resident --------------------------------------------------------

// Fetches and loads all that is assigned; each needs this.
void load_all(World& world, Effects effects, const Needs& needs) {
  for (std::size_t i = 0; i < effects.size(); ++i) {
    Effects more;
    if (const auto* fetch = std::get_if<Fetch>(&effects[i]))
      more = world.send(Fetched{fetch->serial});
    if (const auto* load = std::get_if<Load>(&effects[i])) {
      more = world.send(Loaded{load->serial, 9, 5, needs});
    }
    effects.insert(effects.end(), more.begin(), more.end());
  }
}

// Of the partitions in the order of the Assign, as last told; what was told nothing keeps all.
std::vector<std::uint64_t> retained(const World& world, std::size_t partitions,
                                    const Needs& needs) {
  std::vector<std::uint64_t> bytes(partitions, needs.streamable);
  for (const Retain& retain : effects_of<Retain>(world.all)) {
    bytes.at(static_cast<std::size_t>(retain.serial) - 1) = retain.bytes;
  }
  return bytes;
}

World streaming_world(std::uint64_t memory, const Needs& needs, int partitions,
                      std::uint64_t process_bytes = 0) {
  auto settings = config(memory);
  settings.limits.bytes = 10;
  settings.process_bytes = process_bytes;
  World world(settings);
  world.send(Connected{});
  std::vector<protocol::AssignedPartition> all;
  for (int i = 1; i <= partitions; ++i) all.push_back(assigned("v" + std::to_string(i), 40));
  load_all(world, world.assign(all), needs);
  return world;
}

const Needs kStreaming{
    .weights = 30, .streamable = 28, .window = 4, .activations = 10, .inputs = 2, .outputs = 12};

TEST(WorkerPartition, ThoseThatStreamAreAllLoadedAndShareTheRoom) {
  // Of 100: 10 for maps, 2 for a result larger than that, 10 activations, 3 x 2 that cannot stream,
  // 4 for what is being used: 68 for the weights.
  World world = streaming_world(100, kStreaming, 3);
  EXPECT_THAT(loaded(world.all), ElementsAre("v1", "v2", "v3"));
  EXPECT_TRUE(effects_of<Unload>(world.all).empty());
  EXPECT_THAT(retained(world, 3, kStreaming), ElementsAre(28, 28, 12));
  EXPECT_EQ(published<Heartbeat>(world.pass(1000)).at(0).resident_bytes, 68U + 6U);
}

TEST(WorkerPartition, ThoseThatStreamStayResidentWhereAllFit) {
  World world = streaming_world(200, kStreaming, 3);
  EXPECT_THAT(retained(world, 3, kStreaming), ElementsAre(28, 28, 28));
  EXPECT_EQ(published<Heartbeat>(world.pass(1000)).at(0).resident_bytes, 90U);
}

TEST(WorkerPartition, WithNoRoomNothingStaysAndAllOfThemWork) {
  World world = streaming_world(40, kStreaming, 3, 10);
  EXPECT_THAT(retained(world, 3, kStreaming), ElementsAre(0, 0, 0));
  for (const char* name : {"v3", "v1", "v2"}) {
    const Effects effects = compute(world, name, std::string("job-") + name);
    EXPECT_EQ(effects_of<Compute>(effects).size(), 1U);
    EXPECT_TRUE(loaded(effects).empty());
  }
}

TEST(WorkerPartition, WhatIsLoadedNextGetsItsRoomFirst) {
  World world = streaming_world(100, kStreaming, 2);
  const std::size_t before = world.all.size();
  const Effects effects =
      world.assign({assigned("v1", 40), assigned("v2", 40), assigned("v3", 90)});
  load_all(world, effects, kStreaming);
  std::vector<std::size_t> order;
  for (std::size_t i = before; i < world.all.size(); ++i) {
    if (std::holds_alternative<Retain>(world.all[i]) ||
        std::holds_alternative<Load>(world.all[i])) {
      order.push_back(world.all[i].index());
    }
  }
  ASSERT_GE(order.size(), 3U);
  EXPECT_EQ(order[0], Effect(Retain{}).index());
  EXPECT_EQ(order[1], Effect(Retain{}).index());
  EXPECT_EQ(order[2], Effect(Load{}).index());
}

}  // namespace
}  // namespace hyps::worker::testing
