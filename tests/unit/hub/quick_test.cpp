// Small tasks that are computed in no time: a worker has many of them.
#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::hub {
namespace {

class HubQuick : public testing::Test {
 protected:
  void SetUp() override {
    w.add_worker("w1", true);
    w.deploy();
  }
  static Config config() {
    Config c;
    c.jobs_in_flight = 2;
    c.worker_credits = 2;
    c.worker_ahead_ms = 15;  // fake workers say that they compute for 1.5 ms
    return c;
  }
  std::int64_t running() const {
    std::int64_t count = 0;
    for (const auto& [sequence, job] : w.state().jobs) {
      count += job.summary.state == JobState::running ? 1 : 0;
    }
    return count;
  }
  std::size_t most_tasks_of(int jobs) {
    for (int i = 0; i < jobs; ++i) w.infer("job" + std::to_string(i));
    std::size_t most = 0;
    do {
      most = std::max(most, w.state().workers.at(WorkerId("w1")).credits.size());
    } while (w.deliver_next());
    return most;
  }
  World w{config()};
};

TEST_F(HubQuick, WhatHasNotBeenComputedYetTakesCredits) {
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i));
  EXPECT_EQ(w.state().workers.at(WorkerId("w1")).credits.size(), 2U);
}

TEST_F(HubQuick, AWorkerHasAsManyAsItComputesInTheTimeAhead) {
  w.infer("first");
  w.settle();
  EXPECT_EQ(most_tasks_of(30), 10U);
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 31U);
}

TEST_F(HubQuick, LargeFeatureMapsTakeCredits) {
  w.infer("first", std::string(20'000, 'x'));
  w.settle();
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i), std::string(20'000, 'x'));
  EXPECT_EQ(w.state().workers.at(WorkerId("w1")).credits.size(), 2U);  // of ingest
}

TEST_F(HubQuick, MoreJobsRunWhileTheirFeatureMapsAreSmall) {
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i));
  EXPECT_EQ(running(), 8);
}

TEST(HubInFlight, IsBoundedByBytes) {
  Config config;
  config.jobs_in_flight = 2;
  config.bytes_in_flight = 500;  // the plan's feature maps take 93 bytes
  World w(config);
  w.add_worker("w1", true);
  w.deploy();
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i));
  std::int64_t running = 0;
  for (const auto& [sequence, job] : w.state().jobs) {
    running += job.summary.state == JobState::running ? 1 : 0;
  }
  EXPECT_EQ(running, 5);
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 8U);
}

TEST(HubInFlight, IsBoundedByNumber) {
  Config config;
  config.max_waiting_jobs = 1000;
  World w(config);
  w.add_worker("w1", true);
  w.deploy();
  for (int i = 0; i < 300; ++i) w.infer("job" + std::to_string(i));
  std::int64_t running = 0;
  for (const auto& [sequence, job] : w.state().jobs) {
    running += job.summary.state == JobState::running ? 1 : 0;
  }
  EXPECT_EQ(running, 256);
}

}  // namespace
}  // namespace hyps::hub
