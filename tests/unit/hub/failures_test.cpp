// A worker that fails at a partition is asked last for it.
#include "services/hub/failures.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::hub {
namespace {

using Mode = partition::Replication::Mode;

class Failures : public testing::Test {
 protected:
  Failures() {
    partition::replicate(w.plan, {Mode::standby, 2, 1});
    for (const char* id : {"w1", "w2", "w3"}) w.add_worker(id, true);
    w.deploy();
    first = w.state().plans.begin()->second.routes.at(PartitionName("v01")).front().worker.text;
  }
  // How often it was tried again.
  int run(const std::string& job) {
    w.infer(job);
    w.settle(60'000);
    const auto answers = w.answers(job);
    if (answers.size() != 1U || answers[0]["state"] != "done") {
      ADD_FAILURE() << job << " is not done";
      return -1;
    }
    EXPECT_EQ(answers[0]["top"], w.expected_top("image"));
    return answers[0]["recoveries"];
  }
  void break_first() {
    w.workers.at(first).fail_with =
        protocol::TaskFailed{{}, 0, false, "v01 cannot be loaded: Too many open files"};
  }
  bool is_late() {
    return w.state().late.contains({w.state().plans.begin()->first, PartitionName("v01")});
  }

  World w;
  std::string first;  // of the two that have v01
};

TEST_F(Failures, OneJobAloneWaitsForAWorkerThatFails) {
  break_first();
  EXPECT_GE(run("job1"), 1);
  EXPECT_TRUE(is_late()) << "the manager is to hear of it";
  for (int i = 2; i < 6; ++i) EXPECT_EQ(run("job" + std::to_string(i)), 0);
}

// Both have failed; one of them is well again.
TEST_F(Failures, OfThoseThatFailedEachIsAskedInTurn) {
  const auto routes = w.state().plans.begin()->second.routes.at(PartitionName("v01"));
  const std::string other = routes.back().worker.text;
  break_first();
  w.workers.at(other).fail_with = w.workers.at(first).fail_with;
  w.infer("job1");
  while (w.events("job1", "recovered").size() < 2) {
    w.run_dry();
    w.advance(100);
    w.beat();
  }
  w.workers.at(other).fail_with.reset();
  w.settle(60'000);
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["state"], "done");
}

TEST_F(Failures, ItIsAskedAgainAfterAMinute) {
  break_first();
  run("job1");
  w.workers.at(first).fail_with.reset();
  EXPECT_EQ(run("job2"), 0);
  EXPECT_EQ(w.workers.at(first).computed.size(), 0U);
  for (int s = 0; s < 61; ++s) {
    w.advance(1000);
    w.beat();
    w.run_dry();
  }
  EXPECT_EQ(run("job3"), 0);
  EXPECT_EQ(w.computed("job3", "v01"), 1);
  EXPECT_GT(w.workers.at(first).computed.size(), 0U);
  EXPECT_FALSE(is_late());
}

TEST_F(Failures, OneThatIsStartedAnewIsAskedAsBefore) {
  break_first();
  run("job1");
  w.kill_worker(first);
  w.start_worker(first);
  w.settle();
  EXPECT_EQ(run("job2"), 0);
  EXPECT_GT(w.workers.at(first).computed.size(), 0U);
}

// Nobody else is left: what it fails at is tried again, and once done it is as good as the others.
TEST_F(Failures, OneThatIsAloneIsAskedAllTheSame) {
  const auto routes = w.state().plans.begin()->second.routes.at(PartitionName("v01"));
  const std::string other = routes.back().worker.text;
  break_first();
  run("job1");
  w.kill_worker(other);
  w.workers.at(first).fail_with.reset();
  EXPECT_EQ(run("job2"), 0);
  w.start_worker(other);
  w.settle();
  const std::size_t before = w.workers.at(first).computed.size();
  EXPECT_EQ(run("job3"), 0);
  EXPECT_GT(w.workers.at(first).computed.size(), before);
}

}  // namespace
}  // namespace hyps::hub
