// Jobs that fail are kept and can be tried again: real processes.
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class DeadLetters : public ShapesCluster {
 protected:
  // Nobody counts as silent here: workers are paused for long.
  DeadLetters() : ShapesCluster(workers(4, "64M"), {"worker_silence_ms=600000"}) {}

  json cli(std::vector<std::string> words) {
    words.insert(words.end(), {"-o", "json"});
    const Outcome outcome = cluster_.hyps(words);
    EXPECT_EQ(outcome.code, 0) << outcome.errors;
    return json::parse(outcome.output, nullptr, false);
  }
  // Who was given a task of the job and has not died with it; waits for one.
  std::string holder(const std::string& job, const std::set<std::string>& dead) {
    std::string worker;
    const auto found = [&] {
      for (const json& event : client_.events()) {
        const std::string name = event.value("worker", "");
        const bool given = event.value("job", "") == job && event.value("event", "") == "started";
        if (given && !dead.contains(name)) worker = name;
      }
      return !worker.empty();
    };
    EXPECT_TRUE(client_.pump(found, 30'000)) << cluster_.log("hub");
    return worker;
  }
};

TEST_F(DeadLetters, AJobThatIsLostWithThreeWorkersFailsAndIsReplayedLater) {
  start_and_deploy();
  expect_still_answering();
  for (const auto& worker : cluster_.worker_names()) cluster_.pause(worker);
  client_.ask("shapes", "poison", picture("star.jpg").bytes);
  std::set<std::string> dead;
  for (int i = 0; i < 3; ++i) {
    const std::string worker = holder("poison", dead);
    ASSERT_FALSE(worker.empty());
    cluster_.kill(worker);
    dead.insert(worker);
  }
  ASSERT_TRUE(client_.wait_answered(30'000)) << cluster_.log("hub");
  EXPECT_NE(label_of("poison").find("3 different workers were lost"), std::string::npos)
      << label_of("poison");

  for (const auto& worker : cluster_.worker_names()) {
    if (dead.contains(worker)) {
      cluster_.start(worker);
    } else {
      cluster_.resume(worker);
    }
  }
  expect_still_answering();
  const json failed = cli({"get", "jobs", "--failed"});
  ASSERT_EQ(failed.at("jobs").size(), 1U) << failed;
  EXPECT_EQ(failed.at("jobs").at(0).at("job"), "poison");
  EXPECT_EQ(cli({"describe", "job", "poison"}).at("input_kept"), true);

  const std::string again = cli({"replay", "poison"}).at("job");
  ASSERT_TRUE(client_.pump([&] { return client_.answers().contains(again); }, 30'000));
  EXPECT_EQ(label_of(again), "star");
}

TEST_F(DeadLetters, WhatIsNoImageIsKeptAndFailsAgain) {
  start_and_deploy();
  client_.ask("shapes", "text", Blob::copy_of("this is no picture"));
  ASSERT_TRUE(client_.wait_answered(30'000));
  cluster_.kill("hub");
  cluster_.start("hub");
  ASSERT_TRUE(client_.wait_workers_online(4));
  const std::string again = cli({"replay", "text"}).at("job");
  ASSERT_TRUE(client_.wait_query(
      "job", again, [](const json& job) { return job.value("state", "") == "failed"; }));
  const json job = client_.query("job", again);
  EXPECT_EQ(job.at("timeline").at(0).value("detail", ""), "replay of text");
  EXPECT_EQ(cli({"get", "jobs", "--failed"}).at("jobs").size(), 2U);
  EXPECT_EQ(cluster_.hyps({"replay", "nobody"}).code, 3);
  EXPECT_EQ(cluster_.hyps({"get", "workers", "--failed"}).code, 2);
}

}  // namespace
}  // namespace hyps::test
