// What is kept of finished jobs: by count, age, share of the disk.
#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr int kMinuteMs = 60'000;

Config roomy() {
  Config config;
  config.keep_feature_maps = 1000;
  config.keep_feature_maps_hours = 10;
  config.keep_feature_maps_percent = 100;
  return config;
}

class Retention : public testing::Test {
 protected:
  void start(const Config& config) {
    w_ = std::make_unique<World>(config);
    for (const char* id : {"w1", "w2"}) w_->add_worker(id, true);
    w_->deploy();
  }
  void run(const std::string& job) {
    w_->infer(job);
    w_->settle();
    ASSERT_TRUE(w_->state().finished.contains(JobId(job)));
  }
  void fail(const std::string& job) {
    for (auto& [id, worker] : w_->workers) worker.mute = true;
    w_->infer(job);
    w_->run_dry();
    const PlanState& plan = w_->state().plans.begin()->second;
    const auto& route = plan.routes.at(PartitionName("ingest")).front();
    const protocol::TaskKey key{JobId(job), plan.id, PartitionName("ingest")};
    w_->from_worker(route.worker.text, protocol::TaskFailed{key, route.epoch, true, "no image"});
    for (auto& [id, worker] : w_->workers) worker.mute = false;
    w_->settle();
  }
  // The clock on the wall goes on, and the next look at what is kept is due.
  void pass_hours(std::int64_t hours) {
    w_->now.unix_ms += hours * kHourMs;
    w_->advance(kMinuteMs);
    w_->beat();
    w_->run_dry();
  }
  std::size_t kept(const std::string& job) { return w_->disk.keys(feature_maps_of(JobId(job))); }
  std::int64_t bytes_of(const std::string& job) {
    return w_->state().finished.at(JobId(job)).feature_map_bytes;
  }

  std::unique_ptr<World> w_;
};

TEST_F(Retention, FeatureMapsGoWithAge) {
  start(roomy());
  run("old");
  pass_hours(6);
  run("young");
  pass_hours(3);
  EXPECT_GT(kept("old"), 1U);
  pass_hours(2);
  EXPECT_EQ(kept("old"), 0U);
  EXPECT_GT(kept("young"), 1U);
  EXPECT_EQ(w_->query("job", "old")["state"], "done") << "answer and timeline stay";
  EXPECT_EQ(w_->query("job", "old")["input_kept"], false);
  pass_hours(6);
  EXPECT_EQ(kept("young"), 0U);
}

TEST_F(Retention, FeatureMapsTakeTheirShareOfTheDiskAtMost) {
  Config config = roomy();
  config.keep_feature_maps_percent = 10;
  start(config);
  run("a");
  const std::int64_t each = bytes_of("a");
  ASSERT_GT(each, 0);
  // A tenth of the disk holds two jobs and a half.
  w_->step(DiskFree{1LL << 40, each * 25});
  for (const char* job : {"b", "c", "d"}) run(job);
  EXPECT_EQ(kept("a") + kept("b"), 0U);
  EXPECT_GT(kept("c"), 1U);
  EXPECT_GT(kept("d"), 1U);
}

TEST_F(Retention, TheShareCountsWhatWasThereBeforeARestart) {
  Config config = roomy();
  config.keep_feature_maps_percent = 10;
  start(config);
  for (const char* job : {"a", "b", "c"}) run(job);
  const std::int64_t each = bytes_of("a");
  w_->crash_hub(w_->disk.unsynced());
  w_->start_hub();
  w_->run_dry();
  EXPECT_EQ(bytes_of("a"), each);
  w_->step(DiskFree{1LL << 40, each * 15});
  pass_hours(0);
  EXPECT_EQ(kept("a") + kept("b"), 0U);
  EXPECT_GT(kept("c"), 1U);
}

TEST_F(Retention, AllFeatureMapsGoWhenTheReserveIsReached) {
  start(roomy());
  run("good");
  fail("bad");
  EXPECT_EQ(kept("bad"), 1U);
  w_->step(DiskFree{1000, 1LL << 40});
  EXPECT_EQ(kept("good") + kept("bad"), 0U);
  EXPECT_EQ(w_->query("job", "bad")["input_kept"], false);
  EXPECT_EQ(w_->query("job", "bad")["state"], "failed");
}

TEST_F(Retention, InputsOfFailedJobsStayBeyondAgeAndCount) {
  Config config = roomy();
  config.keep_feature_maps = 1;
  start(config);
  fail("bad");
  for (const char* job : {"a", "b", "c"}) run(job);
  pass_hours(100);
  EXPECT_EQ(kept("a") + kept("b") + kept("c"), 0U);
  EXPECT_EQ(kept("bad"), 1U);
}

TEST_F(Retention, FailedJobsHaveABoundOfTheirOwn) {
  Config config = roomy();
  config.keep_failed_jobs = 2;
  config.keep_finished_jobs = 3;
  start(config);
  for (int i = 0; i < 4; ++i) {
    fail("bad" + std::to_string(i));
    run("good" + std::to_string(i));
  }
  w_->advance(2000);
  w_->advance(kMinuteMs);
  EXPECT_EQ(w_->query("failed_jobs")["jobs"].size(), 2U);
  EXPECT_EQ(w_->query("jobs")["jobs"].size(), 5U);
  EXPECT_EQ(kept("bad1"), 0U);
  EXPECT_EQ(kept("bad3"), 1U);
  EXPECT_EQ(w_->disk.keys(kJobs), 5U);
}

}  // namespace
}  // namespace hyps::hub
