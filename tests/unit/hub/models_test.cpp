// Deploying, planning, routing, removing.
#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

const ModelName kNet("net");

template <typename T>
const T* last(const std::vector<protocol::Message>& messages) {
  if (messages.empty()) return nullptr;
  return std::get_if<T>(&messages.back());
}

class HubModels : public testing::Test {
 protected:
  void SetUp() override {
    w.add_worker("w1", true);
    w.add_worker("w2", false);
    w.run_dry();
  }
  protocol::FileRef upload(const std::string& name, const std::string& content) {
    const protocol::FileRef file{name, content.size(), digest_of(std::string_view(content))};
    w.request(protocol::PartPut{file.digest, file.bytes, 0, Blob::copy_of(content)});
    EXPECT_NE(last<protocol::PartStored>(w.to_client), nullptr);
    return file;
  }
  void deploy(const std::vector<protocol::FileRef>& files, const std::string& plan_json = {}) {
    w.request(protocol::Deploy{3, kNet, files, plan_json});
  }
  std::string refused() {
    const auto* refusal = last<protocol::Refused>(w.to_client);
    return refusal == nullptr ? "" : refusal->message;
  }
  std::string manager_refused() {
    const auto* refusal = last<protocol::Refused>(w.to_manager);
    return refusal == nullptr ? "" : refusal->message;
  }
  const protocol::Snapshot* snapshot() {
    w.advance(100);
    return last<protocol::Snapshot>(w.to_manager);
  }
  protocol::SetRoutes routes(const std::string& worker, Epoch epoch) {
    protocol::SetRoutes set{w.plan.id(), {}, ""};
    for (const auto& p : w.plan.partitions) {
      set.routes.push_back({p.name, WorkerId(worker), epoch});
    }
    return set;
  }

  World w;
};

TEST_F(HubModels, DeployIsAnsweredWhenSyncedAndManagersAreTold) {
  deploy({upload("model.onnx", "abc")});
  const auto* reply = last<protocol::Reply>(w.to_client);
  ASSERT_NE(reply, nullptr) << refused();
  EXPECT_EQ(reply->request, 3U);
  EXPECT_EQ(w.disk.unsynced(), 0U);
  const auto* told = snapshot();
  ASSERT_NE(told, nullptr);
  ASSERT_EQ(told->models.size(), 1U);
  EXPECT_EQ(told->models[0].state, "waiting");
  EXPECT_EQ(told->workers.size(), 2U);
}

TEST_F(HubModels, DeployOfWhatIsNotThereIsRefused) {
  const auto model = upload("model.onnx", "abc");
  deploy({{"model.onnx", 3, digest_of(std::string_view("xyz"))}});
  EXPECT_NE(refused().find("model.onnx"), std::string::npos);
  deploy({upload("labels.txt", "a")});
  EXPECT_NE(refused().find("model.onnx"), std::string::npos);
  deploy({model, {"../etc/passwd", 3, model.digest}});
  EXPECT_FALSE(refused().empty());
  deploy({model}, "no plan");
  EXPECT_FALSE(refused().empty());
  w.request(protocol::Deploy{1, ModelName("status"), {model}, ""});
  EXPECT_FALSE(refused().empty());
  w.request(protocol::Deploy{1, ModelName("a/b"), {model}, ""});
  EXPECT_FALSE(refused().empty());
  EXPECT_TRUE(w.state().models.empty());
}

TEST_F(HubModels, DeployThatCannotBeWrittenIsRefused) {
  const auto model = upload("model.onnx", "abc");
  w.disk.full = true;
  deploy({model});
  EXPECT_FALSE(refused().empty());
  EXPECT_TRUE(w.state().models.empty());
}

TEST_F(HubModels, SameDeployTwiceChangesNothing) {
  w.deploy();
  const auto plan = w.state().models.at(kNet).plan;
  w.request(protocol::Deploy{4, kNet, w.state().models.at(kNet).files, ""});
  ASSERT_NE(last<protocol::Reply>(w.to_client), nullptr);
  EXPECT_EQ(w.state().models.at(kNet).plan, plan);
  EXPECT_EQ(w.state().models.at(kNet).state, "ready");
}

TEST_F(HubModels, PlanForOtherFilesIsRefused) {
  deploy({upload("model.onnx", "abc")});
  w.from_manager(protocol::SetPlan{kNet, {}, partition::to_json(w.plan), {}});
  EXPECT_FALSE(manager_refused().empty());
  EXPECT_TRUE(w.state().plans.empty());
}

TEST_F(HubModels, PlanThatIsNoneOrWhoseBundlesAreMissingIsRefused) {
  const auto model = upload("model.onnx", "abc");
  deploy({model});
  w.from_manager(protocol::SetPlan{kNet, {model}, "{}", {}});
  EXPECT_FALSE(manager_refused().empty());
  const protocol::FileRef missing{"model.onnx", 9, digest_of(std::string_view("missing"))};
  w.from_manager(protocol::SetPlan{
      kNet, {model}, partition::to_json(w.plan), {{PartitionName("v01"), {missing}}}});
  EXPECT_FALSE(manager_refused().empty());
  w.from_manager(protocol::SetPlan{
      kNet, {model}, partition::to_json(w.plan), {{PartitionName("ghost"), {model}}}});
  EXPECT_FALSE(manager_refused().empty());
  EXPECT_TRUE(w.state().plans.empty());
}

TEST_F(HubModels, OnlyManagersMaySetPlansAndRoutes) {
  w.deploy();
  const auto before = w.state().dropped_frames;
  w.request(routes("w1", 9));
  w.from_worker("w2", routes("w2", 9));
  w.from_worker("w2", protocol::Remove{1, kNet});
  EXPECT_EQ(w.state().dropped_frames, before + 3);
  EXPECT_TRUE(w.state().models.contains(kNet));
}

TEST_F(HubModels, RoutesNeedARisingEpochWhereTheWorkerChanges) {
  w.deploy();
  w.add_worker("w3", true);
  w.run_dry();
  w.from_manager(routes("w1", 5));
  EXPECT_EQ(w.state().plans.begin()->second.routes.begin()->second.front().epoch, 5U);
  w.from_manager(routes("w3", 5));
  EXPECT_FALSE(manager_refused().empty());
  EXPECT_EQ(w.state().plans.begin()->second.routes.begin()->second.front().worker.text, "w1");
  w.from_manager(routes("w3", 6));
  EXPECT_EQ(w.state().plans.begin()->second.routes.begin()->second.front().worker.text, "w3");
}

TEST_F(HubModels, PartitionsOfTheSafeZoneAreNotGivenToOthers) {
  w.deploy();
  w.from_manager(routes("w2", 7));
  EXPECT_NE(manager_refused().find("safe zone"), std::string::npos);
}

// An operator takes the only worker of the safe zone out of it: all else can still be moved.
TEST_F(HubModels, ARouteThatLeadsNowhereAnyMoreDoesNotKeepOthersFromBeingChanged) {
  w.deploy();
  w.from_manager(routes("w1", 7));
  w.zones.at("w1") = false;
  w.kill_worker("w1");
  w.start_worker("w1");
  w.add_worker("w3", false);
  w.run_dry();
  w.to_manager.clear();
  protocol::SetRoutes set = routes("w1", 7);
  for (protocol::Route& route : set.routes) {
    if (route.partition.text == "h02.0") route = {route.partition, WorkerId("w3"), 8};
  }
  w.from_manager(set);
  EXPECT_EQ(manager_refused(), "");
  w.run_dry();
  EXPECT_EQ(w.workers.at("w3").assign->partitions.size(), 1U);
  for (const auto& assigned : w.workers.at("w1").assign->partitions) {
    EXPECT_NE(assigned.partition.text, "ingest");
  }
}

// Jobs wait for it, as they did while it was away, instead of failing at it.
TEST_F(HubModels, AWorkerThatCameBackWithLessMemoryIsNotGivenWhatItCannotHold) {
  for (auto& partition : w.plan.partitions) partition.activation_bytes = 1'000'000;
  w.deploy();
  w.from_manager(routes("w1", 7));
  w.run_dry();
  ASSERT_EQ(w.workers.at("w1").assign->partitions.size(), 6U);
  w.workers.at("w1").info.memory_bytes = 999'999;
  w.step(w.workers.at("w1").hello()[0]);
  w.run_dry();
  EXPECT_TRUE(w.workers.at("w1").assign->partitions.empty());
  w.infer("job1");
  w.run_dry();
  EXPECT_TRUE(w.events("job1", "started").empty());
  w.workers.at("w1").info.memory_bytes = 1'000'000;
  w.step(w.workers.at("w1").hello()[0]);
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["state"], "done");
}

// Was: the first of many large files was dropped before the last one was there, so that what needs
// them all was refused, however often.
TEST_F(HubModels, FilesWaitForThoseThatAreUploadedAfterThem) {
  w.config.file_grace_ms = 60'000;
  w.crash_hub();
  w.start_hub();
  const auto first = upload("model.onnx", "abc");
  for (int i = 0; i < 10; ++i) {
    w.advance(30'000);
    upload("more" + std::to_string(i), "content " + std::to_string(i));
  }
  deploy({first});
  EXPECT_EQ(refused(), "");
  w.advance(61'000);
  EXPECT_EQ(w.state().files.size(), 1U) << "what nobody refers to goes when all is quiet";
}

TEST_F(HubModels, TwoProcessesOfOneNameAreTold) {
  const auto first = w.workers.at("w1").hello();
  w.start_worker("w1");
  w.run_dry();
  EXPECT_EQ(w.query("worker", "w1")["problem"], "") << "it was started anew";
  w.step(first[0]);
  w.run_dry();
  const std::string problem = w.query("worker", "w1")["problem"];
  EXPECT_NE(problem.find("two processes have this name"), std::string::npos) << problem;
  w.advance(61'000);
  EXPECT_EQ(w.query("worker", "w1")["problem"], "");
}

TEST_F(HubModels, EachWorkerIsToldItsWorkWithFilesAndEpoch) {
  const auto model = upload("model.onnx", "abc");
  deploy({model});
  const auto bundle = upload("bundle.onnx", "bundle");
  w.from_manager(protocol::SetPlan{
      kNet, {model}, partition::to_json(w.plan), {{PartitionName("v01"), {bundle}}}});
  w.from_manager(routes("w1", 2));
  w.run_dry();
  const auto& assign = *w.workers.at("w1").assign;
  ASSERT_EQ(assign.partitions.size(), 6U);
  EXPECT_EQ(assign.partitions[1].partition.text, "v01");
  EXPECT_EQ(assign.partitions[1].files, std::vector{bundle});
  EXPECT_EQ(assign.partitions[1].epoch, 2U);
  EXPECT_EQ(assign.partitions[1].kind, "vertical");
  EXPECT_TRUE(w.workers.at("w2").assign->partitions.empty());
}

TEST_F(HubModels, IncompleteRoutesLeaveTheModelWaiting) {
  w.deploy();
  protocol::SetRoutes set = routes("w1", 3);
  set.routes.pop_back();
  set.problem = "report: no worker has room";
  w.from_manager(set);
  EXPECT_EQ(w.query("model", "net")["state"], "waiting");
  EXPECT_EQ(w.query("model", "net")["problem"], "report: no worker has room");
  EXPECT_EQ(w.query("partitions", "net")["partitions"][5]["state"], "unassigned");
}

TEST_F(HubModels, JobsWaitForAPlanAndFailWhenThereWillBeNone) {
  const auto model = upload("model.onnx", "abc");
  deploy({model});
  w.infer("job1");
  w.run_dry();
  EXPECT_EQ(w.query("job", "job1")["state"], "waiting");
  w.from_manager(protocol::ModelFailed{kNet, {model}, true, "conv1 fits nowhere"});
  EXPECT_EQ(w.query("job", "job1")["state"], "failed");
  EXPECT_NE(w.answers("job1").at(0)["error"].get<std::string>().find("conv1"), std::string::npos);
  w.infer("job2");
  EXPECT_EQ(w.answers("job2").at(0)["state"], "refused");
}

TEST_F(HubModels, RedeployReplacesTheModelForNewJobsAndOldOnesGoOn) {
  w.deploy();
  w.infer("job1");
  while (w.events("job1", "stored").empty()) ASSERT_TRUE(w.deliver_next());
  const auto other = upload("model.onnx", "another");
  deploy({other});
  EXPECT_TRUE(w.state().models.at(kNet).plan.empty());
  w.infer("job2");
  w.run_dry();
  EXPECT_EQ(w.query("job", "job1")["state"], "done");
  EXPECT_EQ(w.query("job", "job2")["state"], "waiting");
  EXPECT_TRUE(w.state().plans.empty()) << "the old plan went with its last job";
  EXPECT_EQ(w.disk.keys(kPlans), 0U);
  EXPECT_EQ(w.state().files.size(), 1U) << "and so did the old files";
}

// Its network has nobody any more, and never will: the manager plans the new one only.
TEST_F(HubModels, AJobWhoseNetworkWasReplacedBeginsAnewWhenItCannotGoOn) {
  w.deploy();
  w.infer("job1");
  while (w.events("job1", "stored").empty()) ASSERT_TRUE(w.deliver_next());
  const auto other = upload("model.onnx", "another");
  deploy({other});
  const std::string old_plan = w.plan.id().text;
  w.plan.model_digest = other.digest;
  w.from_manager(protocol::SetPlan{kNet, {other}, partition::to_json(w.plan), {}});
  ASSERT_NE(w.plan.id().text, old_plan);
  for (const char* id : {"w1", "w2"}) w.kill_worker(id);
  w.add_worker("w3", true);
  w.from_manager(routes("w3", 50));
  for (int s = 0; s < 29; ++s) {
    w.run_dry();
    w.advance(1000);
    w.beat();
  }
  EXPECT_EQ(w.query("job", "job1")["plan"], old_plan) << "its workers may come back";
  w.settle();
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["top"], w.expected_top("image"));
  EXPECT_TRUE(w.answers("job1")[0]["recoveries"].is_number());
  EXPECT_EQ(w.computed("job1", "ingest"), 2) << "once of each network";
}

TEST_F(HubModels, RemovedModelLeavesNothingBehind) {
  w.deploy();
  w.infer("job1");
  w.request(protocol::Remove{5, kNet});
  EXPECT_NE(refused().find("unfinished"), std::string::npos);
  w.settle();
  w.request(protocol::Remove{5, kNet});
  ASSERT_NE(last<protocol::Reply>(w.to_client), nullptr);
  for (const char* prefix : {kModels, kPlans, kFiles, kFileParts, kTotals}) {
    EXPECT_EQ(w.disk.keys(prefix), 0U) << prefix;
  }
  w.run_dry();
  EXPECT_TRUE(w.workers.at("w1").assign->partitions.empty());
  w.request(protocol::Remove{5, kNet});
  EXPECT_FALSE(refused().empty());
}

TEST_F(HubModels, ModelsPlansAndRoutesOutliveTheHub) {
  w.deploy();
  const auto before = w.query("partitions");
  w.crash_hub();
  w.start_hub();
  w.run_dry();
  w.beat();
  w.run_dry();
  EXPECT_EQ(w.query("model", "net")["state"], "ready");
  EXPECT_EQ(w.query("partitions")["partitions"].size(), before["partitions"].size());
  EXPECT_EQ(w.query("partitions")["partitions"][0]["epoch"], before["partitions"][0]["epoch"]);
}

TEST_F(HubModels, SnapshotVersionsRiseAlsoAcrossRestarts) {
  w.deploy();
  const auto first = snapshot()->version;
  w.crash_hub();
  w.advance(1000);
  w.start_hub();
  ASSERT_NE(snapshot(), nullptr);
  EXPECT_GT(snapshot()->version, first);
}

TEST_F(HubModels, SnapshotsAreNotSentForEveryChangeButForTheLast) {
  w.deploy();
  w.advance(100);
  w.to_manager.clear();
  for (int i = 0; i < 20; ++i) {
    w.kill_worker("w2");
    w.start_worker("w2");
    w.run_dry();
  }
  EXPECT_LE(w.to_manager.size(), 1U);
  const auto* told = snapshot();
  ASSERT_NE(told, nullptr);
  EXPECT_TRUE(told->workers[1].online);
}

TEST_F(HubModels, JobStuckOnAnOldPlanGoesOnWithTheNewOne) {
  w.deploy();
  w.infer("job1");
  while (w.events("job1", "stored").size() < 2) ASSERT_TRUE(w.deliver_next());
  w.kill_worker("w1");  // for good; and a new plan comes for another worker
  w.network.clear();
  w.kill_worker("w2");
  w.add_worker("w5", true);
  w.run_dry();
  partition::Plan whole = w.plan;
  whole.partitions.erase(whole.partitions.begin() + 2, whole.partitions.begin() + 4);
  whole.partitions[2].inputs = whole.partitions[1].outputs;
  const partition::Plan cut = std::exchange(w.plan, whole);
  const auto files = w.state().models.at(kNet).files;
  w.from_manager(protocol::SetPlan{kNet, files, partition::to_json(whole), {}});
  w.from_manager(routes("w5", 9));
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["state"], "done");
  EXPECT_EQ(w.answers("job1")[0]["top"], w.expected_top("image"));
  EXPECT_EQ(w.computed("job1", "v01"), 1) << "what was stored is the same in both plans";
  EXPECT_EQ(w.state().plans.size(), 1U);
}

}  // namespace
}  // namespace hyps::hub
