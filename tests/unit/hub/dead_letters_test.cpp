// Jobs that fail: those whose tasks kill their workers, what is kept of them, and trying again.
#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

class DeadLetters : public testing::Test {
 protected:
  explicit DeadLetters(const Config& config = Config()) : w_(config) {
    for (const char* id : {"w1", "w2", "w3", "w4", "w5"}) w_.add_worker(id, true);
    w_.deploy();
  }

  // Workers take what they are given and say nothing more.
  void mute(bool on) {
    for (auto& [id, worker] : w_.workers) worker.mute = on;
  }
  // The worker that has a task of the job; "" when none has.
  std::string holder(const std::string& job) {
    const auto sequence = w_.state().unfinished.find(JobId(job));
    if (sequence == w_.state().unfinished.end()) return {};
    for (const Task& task : w_.state().jobs.at(sequence->second).tasks) {
      if (task.state == Task::State::dispatched) return task.dispatches.front().worker.text;
    }
    return {};
  }
  // Whoever has a task of the job dies, and the manager replaces it.
  void kill_holder(const std::string& job) {
    const std::string victim = holder(job);
    ASSERT_NE(victim, "");
    w_.kill_worker(victim);
    w_.run_dry();
    w_.route_all();
    w_.run_dry();
  }
  // All replicas of a partition have it, and compute for ever.
  void start_ballot(const std::string& job) {
    w_.infer(job);
    while (w_.state().ballots.empty()) ASSERT_TRUE(w_.deliver_next());
    mute(true);
    w_.run_dry();
  }
  // The broken input fails at once: the first worker says that it is no image.
  void fail(const std::string& job, const std::string& image = "image") {
    const std::size_t before = w_.state().finished.size();
    mute(true);
    w_.infer(job, image);
    w_.run_dry();
    const std::string worker = holder(job);
    const PlanState& plan = w_.state().plans.begin()->second;
    w_.from_worker(worker,
                   protocol::TaskFailed{{JobId(job), plan.id, PartitionName("ingest")},
                                        plan.routes.at(PartitionName("ingest")).front().epoch,
                                        true,
                                        "this is no image"});
    mute(false);
    w_.settle();
    ASSERT_EQ(w_.state().finished.size(), before + 1);
  }
  nlohmann::json replay(const std::string& job, const std::string& as, std::uint64_t request = 9) {
    w_.to_client.clear();
    w_.request(protocol::Replay{request, JobId(job), JobId(as)});
    if (w_.to_client.empty()) return nullptr;
    if (const auto* reply = std::get_if<protocol::Reply>(&w_.to_client.back())) {
      return nlohmann::json::parse(reply->json);
    }
    return std::get<protocol::Refused>(w_.to_client.back()).message;
  }
  std::string state_of(const std::string& job) {
    const auto reply = w_.query("job", job);
    return reply.is_object() ? reply["state"].get<std::string>() : reply.dump();
  }

  World w_;
};

TEST_F(DeadLetters, AJobThatKillsThreeDifferentWorkersIsFailed) {
  mute(true);
  w_.infer("poison");
  w_.run_dry();
  for (int i = 0; i < 2; ++i) kill_holder("poison");
  EXPECT_EQ(state_of("poison"), "running");
  kill_holder("poison");
  const auto job = w_.query("job", "poison");
  EXPECT_EQ(job["state"], "failed");
  const std::string error = job["error"];
  EXPECT_NE(error.find("ingest: 3 different workers were lost"), std::string::npos) << error;
  EXPECT_EQ(w_.answers("poison").size(), 1U);
  EXPECT_TRUE(w_.state().suspects.empty());
  // The cluster stays.
  mute(false);
  w_.infer("innocent");
  w_.settle();
  EXPECT_EQ(state_of("innocent"), "done");
}

TEST_F(DeadLetters, OneWorkerThatDiesOverAndOverIsOne) {
  mute(true);
  w_.infer("job");
  w_.run_dry();
  const std::string victim = holder("job");
  for (int i = 0; i < 10; ++i) {
    w_.kill_worker(victim);
    w_.run_dry();
    w_.start_worker(victim);
    mute(true);
    w_.run_dry();
    ASSERT_EQ(holder("job"), victim);
  }
  mute(false);
  w_.kill_worker(victim);
  w_.start_worker(victim);
  w_.settle();
  EXPECT_EQ(state_of("job"), "done");
}

// They had it all at the same time: none of them alone.
TEST_F(DeadLetters, ReplicasThatAreLostTogetherProveNothing) {
  partition::replicate(w_.plan, {partition::Replication::Mode::majority, 5, 3});
  w_.deploy();
  start_ballot("job");
  std::set<std::string> replicas;
  for (const auto& [worker, copy] : w_.state().ballots.begin()->second.copies) {
    replicas.insert(worker.text);
  }
  ASSERT_EQ(replicas.size(), 5U);
  for (const std::string& id : replicas) w_.kill_worker(id);
  EXPECT_EQ(state_of("job"), "running");
  for (const std::string& id : replicas) w_.start_worker(id);
  mute(false);
  w_.settle(60'000);
  EXPECT_EQ(state_of("job"), "done");
}

// Four of its five replicas are gone: it cannot begin, and need not be waited for.
TEST_F(DeadLetters, ASuspectThatNobodyCanBeGivenHoldsUpNobody) {
  partition::replicate(w_.plan, {partition::Replication::Mode::majority, 5, 3});
  w_.deploy();
  start_ballot("job");
  const auto& plan = w_.state().plans.begin()->second;
  const std::string left = plan.routes.at(PartitionName("ingest")).front().worker.text;
  for (const char* id : {"w1", "w2", "w3", "w4", "w5"}) {
    if (id != left) w_.kill_worker(id);
  }
  ASSERT_FALSE(w_.state().suspects.empty());
  mute(false);
  w_.infer("next");
  w_.run_dry();
  EXPECT_EQ(w_.computed("next", "ingest"), 1);
}

TEST_F(DeadLetters, JobsThatOnlyWaitAtTheWorkerAreNotBlamed) {
  w_.config.worker_credits = 2;
  mute(true);
  for (const char* job : {"poison", "behind1", "behind2"}) {
    w_.infer(job);
    w_.run_dry();
    w_.advance(1);
  }
  while (!holder("poison").empty()) kill_holder("poison");
  EXPECT_EQ(state_of("poison"), "failed");
  mute(false);
  for (const auto& id : {"w1", "w2", "w3"}) {
    if (!w_.alive.contains(id)) w_.start_worker(id);
  }
  w_.route_all();
  w_.settle();
  EXPECT_EQ(state_of("behind1"), "done");
  EXPECT_EQ(state_of("behind2"), "done");
}

// The first guess may be wrong: the job behind is the one that kills. It is found all the same.
TEST_F(DeadLetters, AWorkerThatWasOnlySilentIsNotCountedAsKilled) {
  mute(true);
  w_.infer("job1");
  w_.run_dry();
  for (int i = 0; i < 3; ++i) {
    const std::string silent = holder("job1");
    ASSERT_NE(silent, "");
    for (int ms = 0; ms < 6000; ms += 100) {
      w_.advance(100);
      if (ms % 1000 != 0) continue;
      for (const auto& id : w_.alive) {
        if (id != silent) w_.step(w_.workers.at(id).heartbeat(w_.now.steady).back());
      }
    }
    ASSERT_FALSE(w_.state().workers.at(WorkerId(silent)).online);
    ASSERT_FALSE(w_.state().suspects.empty());
    w_.beat();
    w_.run_dry();  // it says hello again, of the same incarnation
    EXPECT_TRUE(w_.state().suspects.empty());
    w_.route_all();
    w_.run_dry();
  }
  mute(false);
  w_.settle();
  EXPECT_EQ(w_.answers("job1").size(), 1U);
  EXPECT_EQ(w_.answers("job1")[0]["state"], "done");
}

TEST_F(DeadLetters, AWrongGuessIsPutRightBecauseSuspectsAreAlone) {
  mute(true);
  w_.infer("innocent");
  w_.run_dry();
  w_.advance(1);
  w_.infer("poison");
  w_.run_dry();
  ASSERT_EQ(holder("innocent"), holder("poison"));
  kill_holder("poison");  // computed first, against the order in which they were given
  EXPECT_NE(holder("innocent"), "");
  EXPECT_EQ(holder("poison"), "") << "a suspect has its worker for itself";
  mute(false);
  w_.advance(5000);  // what no heartbeat lists is sent again
  w_.beat();
  w_.settle();
  EXPECT_EQ(state_of("innocent"), "done");
  EXPECT_EQ(state_of("poison"), "done") << "it was killed once only";
}

TEST_F(DeadLetters, AWorkerASuspectWaitsForIsGivenNothingElse) {
  mute(true);
  w_.infer("suspect");
  w_.run_dry();
  kill_holder("suspect");
  const std::string worker = holder("suspect");
  ASSERT_NE(worker, "");
  for (int i = 0; i < 5; ++i) w_.infer("other" + std::to_string(i));
  w_.run_dry();
  EXPECT_EQ(w_.state().workers.at(WorkerId(worker)).credits.size(), 1U);
  mute(false);
  w_.advance(5000);
  w_.beat();
  w_.settle();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(state_of("other" + std::to_string(i)), "done");
  EXPECT_EQ(state_of("suspect"), "done");
}

TEST_F(DeadLetters, KeepTheirInputAndNothingElse) {
  fail("bad");
  EXPECT_TRUE(w_.disk.now().get(feature_map_key(JobId("bad"), partition::kImageTensor)).ok());
  EXPECT_EQ(w_.disk.keys(feature_maps_of(JobId("bad"))), 1U);
  EXPECT_EQ(w_.disk.keys(feature_map_refs_of(JobId("bad"))), 1U);
  const auto job = w_.query("job", "bad");
  EXPECT_EQ(job["input_kept"], true);
  EXPECT_EQ(job["timeline"].back()["event"], "failed");
}

TEST_F(DeadLetters, AreListedApart) {
  fail("bad");
  w_.infer("good");
  w_.settle();
  const auto failed = w_.query("failed_jobs")["jobs"];
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0]["job"], "bad");
  EXPECT_EQ(w_.query("jobs")["jobs"].size(), 2U);
  EXPECT_TRUE(w_.query("failed_jobs", "another model")["jobs"].empty());
}

TEST_F(DeadLetters, AreReplayedAsNewJobs) {
  fail("bad", "a picture");
  const auto reply = replay("bad", "again");
  EXPECT_EQ(reply["job"], "again");
  EXPECT_EQ(reply["replay_of"], "bad");
  w_.settle();
  ASSERT_EQ(w_.answers("again").size(), 1U);
  EXPECT_EQ(w_.answers("again")[0]["top"], w_.expected_top("a picture"));
  EXPECT_EQ(w_.query("job", "again")["timeline"][0]["detail"], "replay of bad");
  EXPECT_EQ(state_of("bad"), "failed") << "it stays what it was";
}

TEST_F(DeadLetters, ReplayedByTheSameRequestAgainAreOneJob) {
  fail("bad");
  ASSERT_TRUE(replay("bad", "again").is_object());
  EXPECT_EQ(replay("bad", "again")["job"], "again");
  w_.settle();
  EXPECT_EQ(replay("bad", "again")["job"], "again");
  EXPECT_EQ(w_.answers("again").size(), 1U);
}

TEST_F(DeadLetters, ThatCannotBeReplayedAreRefused) {
  EXPECT_NE(replay("nobody", "x").dump().find("no job is called"), std::string::npos);
  fail("bad");
  w_.infer("other", "another picture");
  w_.settle();
  EXPECT_NE(replay("bad", "other").dump().find("already"), std::string::npos);
  EXPECT_NE(replay("bad", "bad").dump().find("already"), std::string::npos);
  EXPECT_NE(replay("bad", "../x").dump().find("cannot be a job's name"), std::string::npos);
  mute(true);
  w_.infer("running");
  EXPECT_NE(replay("running", "x").dump().find("not finished"), std::string::npos);
  w_.disk.full = true;
  EXPECT_NE(replay("bad", "x").dump().find("no space"), std::string::npos);
  EXPECT_FALSE(w_.state().unfinished.contains(JobId("x")));
}

TEST_F(DeadLetters, WhoseInputRottedAreRefused) {
  fail("bad");
  store::Batch batch;
  batch.puts.emplace_back(feature_map_key(JobId("bad"), partition::kImageTensor),
                          Blob::copy_of("other"));
  ASSERT_TRUE(w_.disk.write(batch).ok());
  EXPECT_NE(replay("bad", "x").dump().find("damaged"), std::string::npos);
}

TEST_F(DeadLetters, SurviveTheHub) {
  fail("bad", "a picture");
  w_.crash_hub();
  w_.start_hub();
  w_.run_dry();
  EXPECT_EQ(w_.query("failed_jobs")["jobs"].size(), 1U);
  ASSERT_TRUE(replay("bad", "again").is_object());
  w_.settle();
  EXPECT_EQ(w_.answers("again")[0]["top"], w_.expected_top("a picture"));
}

}  // namespace
}  // namespace hyps::hub
