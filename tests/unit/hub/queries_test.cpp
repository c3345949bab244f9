// What people are told, what is kept for them, and for how long.
#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

using nlohmann::json;

Config small() {
  Config config;
  config.keep_finished_jobs = 5;
  config.keep_feature_maps = 2;
  config.max_timeline_events = 10;
  return config;
}

class HubQueries : public testing::Test {
 protected:
  void SetUp() override {
    w.add_worker("w1", true);
    w.add_worker("w2", false);
    w.deploy();
    w.beat();
    w.run_dry();
  }
  void finish(const std::string& job) {
    w.infer(job, "image");
    w.settle();
    w.advance(2000);
  }
  World w{small()};
};

void expect_keys(const json& object, const std::vector<const char*>& keys) {
  for (const char* key : keys) EXPECT_TRUE(object.contains(key)) << key << " in " << object;
}

TEST_F(HubQueries, WorkersHaveAllTheirKeys) {
  finish("job1");
  const json workers = w.query("workers")["workers"];
  ASSERT_EQ(workers.size(), 2U);
  expect_keys(workers[0], {"id", "online", "zone", "isa", "cores", "memory_bytes", "resident_bytes",
                           "loaded", "assigned", "tasks", "done", "compute_ms", "problem"});
  EXPECT_EQ(workers[0]["zone"], "safe");
  EXPECT_GE(workers[0]["done"], 4);
  EXPECT_EQ(w.query("worker", "w1")["id"], "w1");
  EXPECT_EQ(w.query("worker", "w1")["loaded"], w.query("worker", "w1")["assigned"]);
}

TEST_F(HubQueries, ModelsAndPartitionsHaveAllTheirKeys) {
  finish("job1");
  const json model = w.query("models")["models"][0];
  expect_keys(model, {"name", "state", "problem", "plan", "partitions", "jobs_waiting",
                      "jobs_running", "jobs_done", "jobs_failed"});
  EXPECT_EQ(model["jobs_done"], 1);
  const json one = w.query("model", "net");
  EXPECT_EQ(partition::plan_from_json(one["plan_json"].dump())->id(), w.plan.id());
  EXPECT_EQ(one["files"][0]["name"], "model.onnx");
  const json partition = w.query("partitions", "net")["partitions"][0];
  expect_keys(partition, {"model", "plan", "partition", "kind", "safe_zone", "worker", "epoch",
                          "memory_bytes", "runs", "state"});
  EXPECT_EQ(partition["state"], "loaded");
  EXPECT_EQ(partition["runs"], 1);
  EXPECT_EQ(w.query("partitions", "other")["partitions"].size(), 0U);
}

TEST_F(HubQueries, AModelTellsHowItsLargeFeatureMapsTravelled) {
  for (auto& [id, worker] : w.workers) {
    worker.lie = [](const Blob& right) {  // of the same bytes everywhere, and large
      if (right.text().starts_with("{")) return right;
      return Blob::of(std::string(right.text()) + std::string(100'000, 'x'));
    };
  }
  finish("job1");
  const protocol::TaskKey task{JobId("job1"), w.plan.id(), PartitionName("v03")};
  w.step(InputSent{WorkerId("w2"), task, "large", 100'000, 41'000});
  w.step(InputSent{WorkerId("w2"), task, "small", 60'000, 41'000});
  w.step(
      InputSent{WorkerId("w2"), {task.job, PlanId("gone"), task.partition}, "large", 1 << 20, 1});
  int results = 0;
  int inputs = 0;
  const json maps = w.query("model", "net")["feature_maps"];
  for (const json& map : maps) {
    expect_keys(map, {"tensor", "way", "partition", "worker", "bytes", "wire_bytes", "compressed"});
    if (map["way"] == "result") {
      ++results;
      EXPECT_GE(map["bytes"], 100'000);
      EXPECT_EQ(map["wire_bytes"], map["bytes"]);
      EXPECT_FALSE(map["compressed"]);
      continue;
    }
    ++inputs;
    EXPECT_EQ(map, (json{{"tensor", "large"},
                         {"way", "input"},
                         {"partition", "v03"},
                         {"worker", "w2"},
                         {"bytes", 100'000},
                         {"wire_bytes", 41'000},
                         {"compressed", true}}));
  }
  EXPECT_GE(results, 4);
  EXPECT_EQ(inputs, 1);
}

TEST_F(HubQueries, JobsAreListedNewestFirst) {
  finish("job1");
  finish("job2");
  w.infer("job3");
  const json jobs = w.query("jobs")["jobs"];
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0]["job"], "job3");
  EXPECT_EQ(jobs[0]["state"], "running");
  EXPECT_EQ(jobs[2]["job"], "job1");
  expect_keys(jobs[2], {"job", "model", "plan", "state", "accepted_unix_ms", "finished_unix_ms",
                        "latency_ms", "recoveries", "stored", "partitions", "error"});
  EXPECT_EQ(jobs[2]["stored"], 6);
  EXPECT_EQ(jobs[2]["partitions"], 6);
  EXPECT_EQ(w.query("jobs", "other")["jobs"].size(), 0U);
}

TEST_F(HubQueries, JobHasItsTimelineAndAnswerAlsoWhenFinished) {
  finish("job1");
  const json job = w.query("job", "job1");
  EXPECT_EQ(job["answer"]["state"], "done");
  EXPECT_EQ(job["timeline"].front()["event"], "accepted");
  EXPECT_EQ(job["timeline"].back()["event"], "answered");
}

TEST_F(HubQueries, TimelineIsBoundedAndKeepsItsBeginningAndEnd) {
  finish("job1");
  const json timeline = w.query("job", "job1")["timeline"];
  EXPECT_EQ(timeline.size(), 10U) << "of fourteen";
  EXPECT_EQ(timeline.front()["n"], 1);
  EXPECT_EQ(timeline.back()["n"], 14);
}

TEST_F(HubQueries, UnknownNamesAndQuestionsAreRefused) {
  for (const char* what : {"job", "worker", "model", "nonsense", ""}) {
    EXPECT_TRUE(w.query(what, "ghost").is_string()) << what;
  }
}

TEST_F(HubQueries, StatusHasAllItsKeysAndIsPublishedOnChangeTwiceASecondAtMost) {
  expect_keys(w.query("status"), {"unix_ms", "workers_online", "workers_offline", "models",
                                  "jobs_waiting", "jobs_running", "jobs_done", "jobs_failed",
                                  "accepting", "problem", "dropped_frames"});
  w.settle();
  w.advance(1000);
  w.published.clear();
  for (int i = 0; i < 20; ++i) w.advance(100);
  EXPECT_TRUE(w.published.empty()) << "nothing has changed";
  for (int i = 0; i < 10; ++i) {
    w.step(FrameDropped{"somebody", "no message"});
    w.advance(100);
  }
  EXPECT_LE(w.published.size(), 3U);
  ASSERT_FALSE(w.published.empty());
  w.advance(500);
  EXPECT_TRUE(w.published.back().retained);
  EXPECT_EQ(w.published.back().topic, "hyps/status");
  EXPECT_EQ(json::parse(w.published.back().payload)["dropped_frames"], 10);
}

TEST_F(HubQueries, OnlySoManyFinishedJobsAreKept) {
  for (int i = 0; i < 12; ++i) finish("job" + std::to_string(i));
  EXPECT_EQ(w.state().finished.size(), 5U);
  EXPECT_EQ(w.disk.keys(kJobs), 5U);
  EXPECT_EQ(w.disk.keys(kUnannounced), 0U);
  EXPECT_TRUE(w.query("job", "job0").is_string());
  EXPECT_EQ(w.query("job", "job11")["state"], "done");
  EXPECT_EQ(w.query("model", "net")["jobs_done"], 12);
}

TEST_F(HubQueries, OnlyTheLastJobsKeepTheirFeatureMaps) {
  for (int i = 0; i < 5; ++i) finish("job" + std::to_string(i));
  EXPECT_EQ(w.disk.keys("c/job2/"), 0U);
  EXPECT_EQ(w.disk.keys("c/job3/"), 7U);
  EXPECT_EQ(w.disk.keys("c/job4/"), 7U);
  EXPECT_EQ(w.disk.keys(kFeatureMapRefs), 14U);
  w.step(DiskFree{0});
  w.advance(100);
  EXPECT_EQ(w.disk.keys(kFeatureMaps), 0U) << "they are the first to go when the disk is full";
}

TEST_F(HubQueries, RetentionGoesOnAfterARestart) {
  for (int i = 0; i < 4; ++i) finish("job" + std::to_string(i));
  w.crash_hub(0);
  w.config.keep_finished_jobs = 1;
  w.start_hub();
  w.settle();
  w.advance(2000);
  EXPECT_EQ(w.disk.keys(kJobs), 1U);
  EXPECT_EQ(w.query("model", "net")["jobs_done"], 4);
}

TEST_F(HubQueries, FeatureMapsWithoutAJobAreRemovedAtStart) {
  store::Batch batch;
  batch.sync = true;
  batch.puts = {{"c/ghost/t", Blob::copy_of("x")}, {"d/ghost/t", Blob::copy_of("x")}};
  ASSERT_TRUE(w.disk.write(batch).ok());
  w.crash_hub();
  w.start_hub();
  EXPECT_EQ(w.disk.keys("c/ghost/"), 0U);
  EXPECT_EQ(w.disk.keys("d/ghost/"), 0U);
}

TEST_F(HubQueries, ForeignMessagesAreCountedAndChangeNothing) {
  const auto before = w.state().dropped_frames;
  w.from_worker("w1", protocol::Deploy{});
  w.from_worker("w1", protocol::Snapshot{});
  w.request(protocol::Hello{});
  w.request(protocol::TaskDone{});
  w.from_manager(protocol::Heartbeat{});
  protocol::Hello other;
  other.info.id = WorkerId("w9");
  w.from_worker("w1", other);
  EXPECT_EQ(w.state().dropped_frames, before + 6);
  finish("job1");
  EXPECT_EQ(w.query("job", "job1")["state"], "done");
}

}  // namespace
}  // namespace hyps::hub
