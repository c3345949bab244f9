// Too little of something: processor, memory, file descriptors.
#include <sys/resource.h>

#include <set>

#include "control_group.hpp"
#include "scenario.hpp"

namespace hyps::test {
namespace {

class Processor : public Scenario {
 protected:
  void SetUp() override {
    if (!group_.is_usable()) GTEST_SKIP() << "no control groups (v1, cpu) to make here";
    ASSERT_TRUE(group_.set("cpu.cfs_period_us", "100000"));
    ASSERT_TRUE(group_.set("cpu.cfs_quota_us", "5000"));
  }
  void spoil(const std::string& name, int ms) {
    start_and_deploy();
    ask_many(4);
    ASSERT_TRUE(group_.add(cluster_.pid(name)));
    ask_for(ms);
    group_.release();
    expect_all_answered();
    expect_still_answering();
  }

  ControlGroup group_{"cpu"};
};

TEST_F(Processor, OfAWorkerIsATwentieth) { spoil("w1", 4000); }
TEST_F(Processor, OfTheHubIsATwentieth) { spoil("hub", 4000); }

// 128 MB, as deploy/compose.yaml can be told to give: nobody needs more, whatever comes in.
class Memory : public Scenario {
 protected:
  void SetUp() override {
    if (!group_.is_usable()) GTEST_SKIP() << "no control groups (v1, memory) to make here";
    ASSERT_TRUE(group_.set("memory.limit_in_bytes", "128M"));
  }
  void spoil(const std::string& name) {
    start_and_deploy();
    ASSERT_TRUE(group_.add(cluster_.pid(name)));
    for (int i = 0; i < 5; ++i) {
      ask_many(100);
      client_.listen(200);
    }
    expect_all_answered();
    EXPECT_TRUE(cluster_.running(name)) << "it was killed for its memory";
    group_.release();
  }

  ControlGroup group_{"memory"};
};

TEST_F(Memory, OfTheHubIsScarce) { spoil("hub"); }
TEST_F(Memory, OfAWorkerIsScarce) { spoil("w1"); }

class Descriptors : public Scenario {
 protected:
  // The number from which on nothing may be opened, so that `more` can: the lowest free ones are
  // taken first.
  static rlim_t limit_for(pid_t pid, std::size_t more) {
    std::set<rlim_t> open;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      open.insert(std::stoul(entry.path().filename()));
    }
    rlim_t limit = 0;
    for (;; ++limit) {
      if (!open.contains(limit) && more-- == 0) return limit;
    }
  }
  void allow_more(const std::string& name, std::size_t more) {
    const pid_t pid = cluster_.pid(name);
    rlimit limit{};
    ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, limit_for(pid, more));
    ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
  }
};

// It cannot connect again, as long as that lasts.
TEST_F(Descriptors, OfAWorkerAreGoneWhenTheBrokerRestarts) {
  start_and_deploy();
  allow_more("w1", 0);
  ask_many(4);
  cluster_.kill("broker");
  cluster_.start("broker");
  ask_for(3000);
  expect_all_answered();
  allow_more("w1", 1000);
  ASSERT_TRUE(client_.wait_workers_online(3));
  expect_still_answering();
}

// It is online, and can neither fetch nor load what it is assigned.
TEST_F(Descriptors, OfAWorkerAreGoneBeforeItHasItsPartitions) {
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(3));
  allow_more("w1", 0);
  deploy();
  ask_for(3000);
  expect_all_answered();
  allow_more("w1", 1000);
  expect_still_answering();
}

// It can open no further file of its store.
TEST_F(Descriptors, OfTheHubAreGone) {
  start_and_deploy();
  allow_more("hub", 0);
  for (int i = 0; i < 5; ++i) {
    ask_many(50);
    client_.listen(200);
  }
  allow_more("hub", 1000);
  expect_takes_jobs_again();
  ask_refused_again();
  expect_all_answered();
}

}  // namespace
}  // namespace hyps::test
