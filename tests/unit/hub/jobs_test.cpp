// A job's way through the hub when nothing goes wrong, and what workers may send besides.
#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::hub {
namespace {

class HubJobs : public testing::Test {
 protected:
  void SetUp() override {
    w.add_worker("w1", true);
    w.add_worker("w2", false);
    w.deploy();
  }
  // Delivers until the worker has been told to run this partition, and leaves it at that.
  void run_until_given(const std::string& partition) {
    for (int i = 0; i < 10'000; ++i) {
      if (!w.network.empty() && w.network.front().message) {
        const auto* run = std::get_if<protocol::Run>(&*w.network.front().message);
        if (run != nullptr && run->task.partition.text == partition) return;
      }
      ASSERT_TRUE(w.deliver_next()) << partition << " was never given";
    }
  }
  protocol::Run given() { return std::get<protocol::Run>(*w.network.front().message); }

  World w;
};

TEST_F(HubJobs, AnswerIsThatOfTheWholePlan) {
  w.infer("job1", "cat.jpg");
  w.settle();
  const auto answers = w.answers("job1");
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0]["state"], "done");
  EXPECT_EQ(answers[0]["model"], "net");
  EXPECT_EQ(answers[0]["top"], w.expected_top("cat.jpg"));
  EXPECT_EQ(answers[0]["recoveries"], 0);
  EXPECT_TRUE(answers[0].contains("latency_ms"));
}

TEST_F(HubJobs, EachPartitionIsComputedOnceAndTold) {
  w.infer("job1");
  w.settle();
  for (const auto& partition : w.plan.partitions) {
    EXPECT_EQ(w.computed("job1", partition.name.text), 1) << partition.name.text;
  }
  EXPECT_EQ(w.events("job1", "accepted").size(), 1U);
  EXPECT_EQ(w.events("job1", "started").size(), 6U);
  EXPECT_EQ(w.events("job1", "stored").size(), 6U);
  EXPECT_EQ(w.events("job1", "answered").size(), 1U);
  EXPECT_EQ(w.events("job1", "stored")[0]["compute_ms"], 1.5);
}

TEST_F(HubJobs, AnswerGoesToTheResponseTopicWithItsCorrelation) {
  w.infer("job1", "image", "my/answers");
  w.settle();
  EXPECT_EQ(w.answers("job1").size(), 1U) << "and to the output topic";
  int seen = 0;
  for (const auto& message : w.published) {
    if (message.topic != "my/answers") continue;
    ++seen;
    EXPECT_EQ(message.correlation, "corr");
    EXPECT_NE(message.payload.find("\"done\""), std::string::npos);
  }
  EXPECT_EQ(seen, 1);
}

TEST_F(HubJobs, OlderJobsGoFirstAndOnlySoManyRun) {
  for (int i = 0; i < 10; ++i) w.infer("job" + std::to_string(i), "image" + std::to_string(i));
  int running = 0;
  for (const auto& [sequence, job] : w.state().jobs) {
    running += job.summary.state == JobState::running ? 1 : 0;
  }
  EXPECT_EQ(running, 4);
  EXPECT_EQ(w.state().jobs.begin()->second.summary.state, JobState::running);
  w.settle();
  std::vector<std::string> order;
  for (const auto& message : w.published) {
    if (message.topic == "hyps/net/output") {
      order.push_back(nlohmann::json::parse(message.payload)["job"]);
    }
  }
  ASSERT_EQ(order.size(), 10U);
  EXPECT_EQ(order.front(), "job0");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(w.answers("job" + std::to_string(i)).at(0)["top"],
              w.expected_top("image" + std::to_string(i)));
  }
}

TEST_F(HubJobs, JobsWithoutAnIdGetDifferentOnes) {
  w.infer("", "a");
  w.infer("", "a");
  EXPECT_EQ(w.state().jobs.size(), 2U);
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 2U);
}

TEST_F(HubJobs, AcceptedOnlyWhenOnDisk) {
  w.infer("job1");
  EXPECT_EQ(w.disk.unsynced(), 0U);
  EXPECT_TRUE(w.disk.now().get("j/job1").ok());
  EXPECT_EQ(w.disk.now().get("c/job1/@image")->text(), "image");
}

TEST_F(HubJobs, ResultsMayComeInAnyOrder) {
  w.infer("job1");
  run_until_given("v01");
  while (w.network.size() > 0 && !w.network.front().to_hub) w.deliver_next();
  std::reverse(w.network.begin(), w.network.end());  // TaskDone before its tensor
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["recoveries"], 0);
}

TEST_F(HubJobs, EverythingTwiceGivesOneAnswer) {
  w.infer("job1");
  for (int i = 0; i < 10'000 && !w.network.empty(); ++i) {
    World::Packet packet = w.network.front();
    w.network.pop_front();
    w.deliver(packet);
    w.deliver(packet);
  }
  w.settle();
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["recoveries"], 0);
  for (const auto& partition : w.plan.partitions) {
    EXPECT_EQ(w.computed("job1", partition.name.text), 1);
  }
}

TEST_F(HubJobs, ResultOfAnotherEpochOrWorkerIsDropped) {
  w.infer("job1");
  run_until_given("v01");
  const auto run = given();
  const std::string lie = "not the truth";
  const protocol::TensorRef ref{"t", lie.size(), digest_of(std::string_view(lie))};
  const auto stale_before = w.state().stale_results;
  const Digest made_of = protocol::digest_of_inputs(run.inputs);
  const auto claim = [&](const char* worker, Epoch epoch) {
    const Peer peer{protocol::Role::worker, worker};
    w.step(TensorArrived{peer, {run.task, epoch, "t", Blob::copy_of(lie), ref.digest}});
    w.step(FromPeer{peer, protocol::TaskDone{run.task, epoch, {ref}, 1, 1, made_of}});
  };
  claim("w1", run.epoch + 1);
  claim("w1", run.epoch - 1);
  claim("w2", run.epoch);
  claim("nobody", run.epoch);
  EXPECT_EQ(w.state().stale_results, stale_before + 8);
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["top"], w.expected_top("image"));
}

TEST_F(HubJobs, ResultOfOtherInputsIsDropped) {
  w.infer("job1");
  run_until_given("v01");
  const auto run = given();
  const auto stale_before = w.state().stale_results;
  protocol::TaskDone said{
      run.task, run.epoch, {{"t", 3, digest_of(std::string_view("old"))}},
      1,        1,         digest_of(std::string_view("what it was made of before"))};
  w.step(FromPeer{w.workers.at("w1").peer(), said});
  EXPECT_EQ(w.state().stale_results, stale_before + 1);
  EXPECT_TRUE(w.events("job1", "recovered").empty());
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["top"], w.expected_top("image"));
  EXPECT_TRUE(w.events("job1", "recovered").empty());
}

// As if it had been on its way since the same task had other inputs.
TEST_F(HubJobs, OutputThatCameBeforeAnotherIsAnnouncedIsAskedForAgain) {
  w.infer("job1");
  run_until_given("v01");
  const auto run = given();
  const std::string old = "of other inputs";
  w.step(TensorArrived{
      w.workers.at("w1").peer(),
      {run.task, run.epoch, "t", Blob::copy_of(old), digest_of(std::string_view(old))}});
  while (!w.network.front().to_hub) w.deliver_next();
  std::reverse(w.network.begin(), w.network.end());  // TaskDone before its tensor
  w.settle();
  EXPECT_TRUE(w.events("job1", "recovered").empty());
  EXPECT_EQ(w.answers("job1").at(0)["top"], w.expected_top("image"));
}

TEST_F(HubJobs, ResultOfOtherInputsIsAnsweredWithTheOrder) {
  w.infer("job1");
  run_until_given("v01");
  const auto run = given();
  w.advance(2000);
  w.network.clear();  // the order is lost
  w.step(
      FromPeer{w.workers.at("w1").peer(), protocol::TaskDone{run.task, run.epoch, {}, 1, 1, {}}});
  ASSERT_FALSE(w.network.empty());
  EXPECT_EQ(std::get<protocol::Run>(*w.network.front().message).inputs, run.inputs);
}

TEST_F(HubJobs, ResultOfAFinishedJobIsForgottenByTheWorker) {
  w.infer("job1");
  run_until_given("v03");
  const auto run = given();
  w.settle();
  w.network.clear();
  w.step(
      FromPeer{w.workers.at("w1").peer(), protocol::TaskDone{run.task, run.epoch, {}, 1, 1, {}}});
  ASSERT_EQ(w.network.size(), 1U);
  EXPECT_EQ(std::get<protocol::Stored>(*w.network[0].message).task, run.task);
}

TEST_F(HubJobs, OutputsThatAreNotThePlansAreAFailure) {
  w.infer("job1");
  run_until_given("v01");
  const auto run = given();
  w.step(FromPeer{
      w.workers.at("w1").peer(),
      protocol::TaskDone{
          run.task, run.epoch, {{"other", 1, {}}}, 1, 1, protocol::digest_of_inputs(run.inputs)}});
  EXPECT_EQ(w.events("job1", "recovered").size(), 1U);
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["top"], w.expected_top("image"));
}

TEST_F(HubJobs, WorkerThatSendsOtherBytesThanItSaysFailsTheJobInTheEnd) {
  w.workers.at("w1").lie_about_digests = true;
  w.infer("job1");
  w.settle(60'000);
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["state"], "failed");
  EXPECT_FALSE(w.answers("job1")[0]["error"].get<std::string>().empty());
}

TEST_F(HubJobs, NoWorkerHoldsMoreTasksThanCredits) {
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i));
  for (int i = 0; i < 2000 && w.deliver_next(); ++i) {
    for (const auto& [id, worker] : w.state().workers) ASSERT_LE(worker.credits.size(), 2U);
  }
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 8U);
}

// Two workers, of which one may compute three tasks in one go.
class HubStream : public testing::Test {
 protected:
  HubStream() {
    w.plan.objective = partition::Objective::throughput;
    for (const auto* id : {"w1", "w2"}) w.add_worker(id, true);
    w.run_dry();
    w.workers.at("w1").info.max_batch = 3;
    w.workers.at("w1").info.memory_bytes = 1U << 30U;
    w.from_worker("w1", protocol::Hello{w.workers.at("w1").info});
    w.run_dry();
  }
  void deploy(const cnn::Cost& of_each_partition) {
    for (auto& part : w.plan.partitions) part.cost = of_each_partition;
    w.deploy();
  }
  // While all is computed, the most that workers had in hand of each of their partitions.
  std::map<std::string, std::map<std::string, std::size_t>> most_in_hand() {
    for (int i = 0; i < 20; ++i) w.infer("job" + std::to_string(i), "image" + std::to_string(i));
    std::map<std::string, std::map<std::string, std::size_t>> most;
    for (int i = 0; i < 5000 && w.deliver_next(); ++i) {
      for (const auto& [id, worker] : w.state().workers) {
        std::map<std::string, std::size_t> now;
        for (const auto& key : worker.credits.all()) ++now[key.partition.text];
        now["all"] = worker.credits.size();
        for (const auto& [name, count] : now) {
          most[id.text][name] = std::max(most[id.text][name], count);
        }
      }
    }
    w.settle();
    EXPECT_EQ(w.state().finished.size(), 20U);
    return most;
  }
  static constexpr cnn::Cost kReadsWeights{1000, 4000, 2000};
  static constexpr cnn::Cost kComputes{1000, 4000, 1'000'000};
  World w;
};

TEST_F(HubStream, AsManyJobsRunAsTheWorkersOfThePlanHaveCredits) {
  deploy(kReadsWeights);
  for (int i = 0; i < 20; ++i) w.infer("job" + std::to_string(i), "image" + std::to_string(i));
  int running = 0;
  for (const auto& [sequence, job] : w.state().jobs) {
    running += job.summary.state == JobState::running ? 1 : 0;
  }
  EXPECT_EQ(running, 2 * 3 + 2);
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 20U);
}

TEST_F(HubStream, AWorkerHasAsManyTasksAsItsBatchesAndNotMore) {
  deploy(kReadsWeights);
  auto most = most_in_hand();
  EXPECT_EQ(most["w1"]["all"], 6U);
  EXPECT_EQ(most["w2"]["all"], 2U);
}

TEST_F(HubStream, WhatGainsNothingFromBatchesNeedNotWaitAtAWorker) {
  deploy(kComputes);
  auto most = most_in_hand();
  EXPECT_EQ(most["w1"]["all"], 2U);
  EXPECT_EQ(most["w2"]["all"], 2U);
}

// Or there would not be many of those either.
TEST_F(HubStream, WhatFeedsABatchOnTheSameWorkerIsNotHeldUp) {
  for (auto& part : w.plan.partitions) part.cost = kComputes;
  w.plan.partitions[2].cost = kReadsWeights;  // of the first worker, as the one that begins a job
  w.deploy();
  auto most = most_in_hand();
  EXPECT_GT(most["w1"]["all"], 2U);
  EXPECT_LE(most["w1"]["all"], 6U);
  EXPECT_EQ(most["w2"]["all"], 2U);
}

TEST_F(HubJobs, AWorkerIsGivenASecondTaskOnlyIfItCanHoldBoth) {
  for (const auto* id : {"w1", "w2"}) {
    w.workers.at(id).info.memory_bytes = 32;  // a quarter of it is less than two tasks' tensors
    w.from_worker(id, protocol::Hello{w.workers.at(id).info});
  }
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i));
  for (int i = 0; i < 5000 && w.deliver_next(); ++i) {
    for (const auto& [id, worker] : w.state().workers) {
      ASSERT_LE(worker.credits.size(), 1U) << id.text;
    }
  }
  w.settle();
  EXPECT_EQ(w.state().finished.size(), 8U);
}

TEST_F(HubStream, OfLargeTasksAWorkerHasNoMoreThanItsMemoryBears) {
  w.workers.at("w1").info.memory_bytes = 64;  // an eighth of it is less than a task's tensors
  w.from_worker("w1", protocol::Hello{w.workers.at("w1").info});
  deploy({10, 40, 20});  // as kReadsWeights, but small
  auto most = most_in_hand();
  EXPECT_LE(most["w1"]["all"], 2U);
}

TEST_F(HubJobs, PermanentFailureFailsTheJobAtOnceWithItsMessage) {
  w.workers.at("w1").fail_with = protocol::TaskFailed{{}, 0, true, "this is no image"};
  w.infer("job1");
  w.settle();
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["state"], "failed");
  EXPECT_EQ(w.answers("job1")[0]["error"], "ingest: this is no image");
  EXPECT_EQ(w.events("job1", "failed").size(), 1U);
  EXPECT_EQ(w.query("job", "job1")["state"], "failed");
}

TEST_F(HubJobs, TransientFailureIsTriedAgainSoManyTimes) {
  auto& worker = w.workers.at("w1");
  worker.fail_with = protocol::TaskFailed{{}, 0, false, "out of memory"};
  w.infer("job1");
  for (int i = 0; i < 3; ++i) {
    w.run_dry();
    w.advance(5000);
  }
  EXPECT_TRUE(w.answers("job1").empty());
  worker.fail_with.reset();
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["state"], "done");

  worker.fail_with = protocol::TaskFailed{{}, 0, false, "out of memory"};
  w.infer("job2");
  w.settle(60'000);
  EXPECT_EQ(w.answers("job2").at(0)["state"], "failed");
  const std::string error = w.answers("job2")[0]["error"];
  EXPECT_NE(error.find("out of memory"), std::string::npos) << error;
  EXPECT_EQ(w.events("job2", "recovered").size(), 5U);
}

TEST_F(HubJobs, FailingJobDoesNotHoldUpOthers) {
  w.workers.at("w1").fail_with = protocol::TaskFailed{{}, 0, true, "bad"};
  w.infer("job1");
  w.run_dry();
  w.workers.at("w1").fail_with.reset();
  w.infer("job2");
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["state"], "failed");
  EXPECT_EQ(w.answers("job2").at(0)["state"], "done");
}

TEST_F(HubJobs, MessageWithBytesThatAreNoUtf8DoesNotBreakTheAnswer) {
  w.workers.at("w1").fail_with = protocol::TaskFailed{{}, 0, true, "bad \xff\xfe"};
  w.infer("job1");
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["state"], "failed");
}

TEST_F(HubJobs, MemoryOfResultsIsGivenBackWhenStored) {
  w.infer("job1");
  while (w.deliver_next()) {
    for (const auto& [sequence, job] : w.state().jobs) {
      for (const auto& task : job.tasks) {
        for (const auto& given : task.dispatches) {
          EXPECT_TRUE(task.state == Task::State::dispatched || given.received.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace hyps::hub
