// A backup of a hub that runs, and hubs that start from it: real processes.
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

namespace fs = std::filesystem;

constexpr int kJobs = 12;

class Backup : public ShapesCluster {
 protected:
  Backup() : ShapesCluster(workers(2)) {
    cluster_.set("hub", "backup_folder=" + backups().string());
  }
  fs::path backups() const { return cluster_.folder() / "backups"; }
  void ask_many(const std::string& prefix) {
    for (int i = 0; i < kJobs; ++i) {
      const Picture& picture = pictures_[static_cast<std::size_t>(i) % pictures_.size()];
      labels_[prefix + std::to_string(i)] = picture.label;
      client_.ask("shapes", prefix + std::to_string(i), picture.bytes);
    }
  }
  void start_from(const fs::path& folder) {
    cluster_.kill("hub");
    cluster_.set("hub", "data_folder=" + folder.string());
    cluster_.start("hub");
  }

  std::map<std::string, std::string> labels_;  // by job
};

TEST_F(Backup, GoesOnWithTheJobsThatWereUnfinished) {
  start_and_deploy();
  expect_still_answering();
  for (const auto& worker : cluster_.worker_names()) cluster_.kill(worker);
  ASSERT_TRUE(client_.wait_workers_online(0));
  ask_many("waiting");
  ASSERT_TRUE(client_.wait_query("status", "", [](const json& status) {
    return status.value("jobs_waiting", 0) + status.value("jobs_running", 0) == kJobs;
  }));

  const Outcome made = cluster_.hyps({"backup", "first", "-o", "json"});
  ASSERT_EQ(made.code, 0) << made.errors;
  const fs::path folder = json::parse(made.output).at("folder").get<std::string>();
  EXPECT_EQ(folder, backups() / "first");

  // The hub it was made of, and all that hub has, are gone.
  cluster_.kill("hub");
  fs::remove_all(cluster_.folder() / "hub");
  start_from(folder);
  for (const auto& worker : cluster_.worker_names()) cluster_.start(worker);
  ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
  for (const auto& [job, label] : labels_) EXPECT_EQ(label_of(job), label) << job;
  // It has the finished job too, with its answer and timeline.
  const json job = client_.query("job", "good-0");
  EXPECT_EQ(job.value("state", ""), "done");
  EXPECT_FALSE(job.at("timeline").empty());
  expect_still_answering();
}

TEST_F(Backup, IsMadeUnderLoadAndDisturbsNothing) {
  start_and_deploy();
  ask_many("a");
  for (int i = 0; i < 3; ++i) {
    const Outcome made = cluster_.hyps({"backup", "load/" + std::to_string(i)});
    ASSERT_EQ(made.code, 0) << made.errors;
    EXPECT_NE(made.output.find("hyps-hub --set data_folder="), std::string::npos);
    ask_many("b" + std::to_string(i) + "-");
  }
  ASSERT_TRUE(client_.wait_answered(60'000));
  for (const auto& [job, label] : labels_) EXPECT_EQ(label_of(job), label) << job;
  start_from(backups() / "load" / "2");
  ASSERT_TRUE(client_.wait_workers_online(2));
  client_.listen(1500);  // what it had not announced then
  for (const auto& [job, answers] : client_.answers()) {
    for (const Answer& answer : answers) {
      EXPECT_EQ(answer.body.value("state", ""), "done") << answer.text;
      EXPECT_EQ(answer.body.at("outputs"), answers.front().body.at("outputs")) << job;
    }
  }
  expect_still_answering();
}

TEST_F(Backup, RefusesWhatExistsAndWhatLeadsElsewhere) {
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(2));
  fs::create_directories(backups() / "full");
  std::ofstream(backups() / "full" / "file") << "mine";
  const Outcome full = cluster_.hyps({"backup", "full"});
  EXPECT_EQ(full.code, 4) << full.errors;
  EXPECT_NE(full.errors.find("is there already"), std::string::npos) << full.errors;
  for (const char* name : {"../outside", "/tmp/outside", ".."}) {
    const Outcome outside = cluster_.hyps({"backup", name});
    EXPECT_EQ(outside.code, 4) << name;
    EXPECT_NE(outside.errors.find("below the hub's backup_folder"), std::string::npos);
  }
  EXPECT_EQ(text_of(backups() / "full" / "file"), "mine");
  EXPECT_FALSE(fs::exists(cluster_.folder() / "outside"));
  EXPECT_EQ(cluster_.hyps({"backup", "good"}).code, 0);
}

}  // namespace
}  // namespace hyps::test
