// Too little memory at the workers, too little disk at the hub: things wait and say for what.
#include <sched.h>
#include <sys/mount.h>

#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class SmallWorkers : public ShapesCluster {
 protected:
  SmallWorkers() : ShapesCluster({{"w1", "1M"}}) {}
};

TEST_F(SmallWorkers, APlanThatFitsNoWorkerWaitsForOneThatIsLargeEnough) {
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(1));
  const Outcome outcome = cluster_.hyps(
      {"deploy", source("models/shapes.onnx").string(), "--memory", "4M", "--timeout", "10"});
  EXPECT_EQ(outcome.code, 6) << outcome.errors;
  EXPECT_THAT(outcome.errors, testing::HasSubstr("3.0 MB"));

  const json waiting = client_.query("model", "shapes");
  EXPECT_EQ(waiting.at("state"), "waiting");
  EXPECT_THAT(waiting.value("problem", ""), testing::HasSubstr("h01.0")) << "what does not fit";
  EXPECT_THAT(waiting.value("problem", ""), testing::HasSubstr("1.0 MB")) << "what there is";
  for (const Picture& picture : pictures_) client_.ask("shapes", picture.file, picture.bytes);
  client_.listen(500);
  EXPECT_EQ(client_.unanswered().size(), pictures_.size());
  EXPECT_EQ(client_.query("status").at("jobs_done"), 0);

  cluster_.add_worker({"w2", "7M"});
  cluster_.start("w2");
  ASSERT_TRUE(client_.wait_answered(60'000))
      << client_.query("model", "shapes").value("problem", "");
  for (const Picture& picture : pictures_) EXPECT_EQ(label_of(picture.file), picture.label);
  EXPECT_EQ(client_.query("model", "shapes").at("state"), "ready");
}

class Disk : public ShapesCluster {
 protected:
  Disk() : ShapesCluster(workers(2), {"disk_reserve_bytes=8M"}) {}

  void restart_hub(const std::string& setting) {
    cluster_.kill("hub");
    cluster_.set("hub", setting);
    cluster_.start("hub");
  }
  // The answer to a new job, accepted or not.
  std::string state_of_new_job(const std::string& job) {
    client_.ask("shapes", job, picture("star.jpg").bytes);
    EXPECT_TRUE(client_.wait_answered(30'000)) << job;
    return client_.answers().at(job).back().body.value("state", "");
  }
  bool wait_accepting(bool accepting) {
    return client_.wait_query("status", "", [&](const json& status) {
      return status.value("accepting", !accepting) == accepting;
    });
  }
};

TEST_F(Disk, BelowTheReserveNewJobsAreRefusedAndRunningOnesFinish) {
  start_and_deploy();
  cluster_.pause("w1");
  cluster_.pause("w2");
  client_.ask("shapes", "early", picture("ring.jpg").bytes);
  ASSERT_TRUE(client_.wait_query("job", "early", [](const json&) { return true; }));
  restart_hub("disk_reserve_bytes=1000G");
  ASSERT_TRUE(wait_accepting(false));
  EXPECT_THAT(client_.query("status").value("problem", ""), testing::HasSubstr("disk full"));
  EXPECT_EQ(client_.unanswered().count("early"), 1U);
  cluster_.resume("w1");
  cluster_.resume("w2");
  ASSERT_TRUE(client_.wait_answered(30'000));
  EXPECT_EQ(label_of("early"), "ring");

  EXPECT_EQ(state_of_new_job("late"), "refused");
  EXPECT_THAT(label_of("late"), testing::HasSubstr("reserve"));
  restart_hub("disk_reserve_bytes=1M");
  EXPECT_EQ(state_of_new_job("late"), "done") << "the same job-id, sent again";
  expect_still_answering();
}

// A file system of the hub's own, seen by this test and its children only, so that nothing remains.
class FullDisk : public Disk {
 protected:
  void SetUp() override {
    const auto folder = cluster_.folder() / "hub";
    std::filesystem::create_directory(folder);
    const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=96m") == 0;
    if (!mounted) GTEST_SKIP() << "needs root: a disk that can be filled cannot be mounted";
    start_and_deploy();
  }
  void TearDown() override {
    for (const char* name : {"hub", "manager"}) cluster_.kill(name);
    (void)::umount2((cluster_.folder() / "hub").c_str(), MNT_DETACH);
  }
  void fill(std::uintmax_t leave_bytes) {
    const auto room = std::filesystem::space(cluster_.folder() / "hub").available;
    ASSERT_GT(room, leave_bytes);
    std::ofstream file(ballast(), std::ios::app);
    const std::string block(64 * 1024, 'b');
    for (std::uintmax_t left = room - leave_bytes; left >= block.size(); left -= block.size()) {
      file << block;
    }
    file.flush();
  }
  [[nodiscard]] std::filesystem::path ballast() const { return cluster_.folder() / "hub/ballast"; }
};

TEST_F(FullDisk, NewJobsAreRefusedAndTakenAgainWhenThereIsRoom) {
  fill(4U << 20U);
  ASSERT_TRUE(wait_accepting(false));
  EXPECT_EQ(state_of_new_job("late"), "refused");
  std::filesystem::remove(ballast());
  ASSERT_TRUE(wait_accepting(true));
  EXPECT_EQ(state_of_new_job("late"), "done");
  expect_still_answering();
}

TEST_F(FullDisk, AJobThatIsUnderWayWaitsForRoomAndFinishes) {
  cluster_.pause("w1");
  cluster_.pause("w2");
  client_.ask("shapes", "early", picture("ring.jpg").bytes);
  ASSERT_TRUE(client_.wait_query("job", "early", [](const json&) { return true; }));
  fill(0);
  cluster_.resume("w1");
  cluster_.resume("w2");
  client_.listen(3000);
  std::filesystem::remove(ballast());
  ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
  EXPECT_EQ(label_of("early"), "ring");
  ASSERT_TRUE(wait_accepting(true));
  expect_still_answering();
}

}  // namespace
}  // namespace hyps::test
