// Workers and hubs that die, at every point there is.
#include <gtest/gtest.h>

#include <utility>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

std::unique_ptr<World> ready_world(const Config& config = Config()) {
  auto w = std::make_unique<World>(config);
  w->add_worker("w1", true);
  w->add_worker("w2", true);
  w->add_worker("w3", false);
  w->deploy();
  return w;
}

// Every input is read from the disk.
Config without_relays() {
  Config config;
  config.max_relay_bytes = 0;
  return config;
}

// How many deliveries a whole job takes.
int steps_of_a_job() {
  auto w = ready_world();
  w->infer("job1");
  int steps = 0;
  while (w->deliver_next()) ++steps;
  return steps;
}

void expect_one_right_answer(World& w, int point) {
  const auto answers = w.answers("job1");
  ASSERT_EQ(answers.size(), 1U) << "point " << point;
  EXPECT_EQ(answers[0]["state"], "done") << answers[0].dump();
  EXPECT_EQ(answers[0]["top"], w.expected_top("image")) << "point " << point;
}

TEST(HubRecovery, WorkerThatDiesAtAnyPointAndReturnsIsMadeUpFor) {
  const int steps = steps_of_a_job();
  for (const char* victim : {"w1", "w2", "w3"}) {
    for (int point = 0; point <= steps; ++point) {
      auto w = ready_world();
      w->infer("job1");
      for (int i = 0; i < point; ++i) w->deliver_next();
      w->kill_worker(victim);
      w->run_dry();
      w->start_worker(victim);
      w->settle();
      expect_one_right_answer(*w, point);
    }
  }
}

TEST(HubRecovery, AssignmentThatWasLostOnTheWayIsSentAgainBeforeTheTask) {
  auto w = ready_world();
  w->infer("job1");
  w->network.clear();
  w->advance(4000);
  w->beat();
  while (!w->network.empty() && w->network.front().to_hub) w->deliver_next();
  std::set<std::string> assigned;
  int runs = 0;
  for (const auto& packet : w->network) {
    if (!packet.message) continue;
    if (std::holds_alternative<protocol::Assign>(*packet.message)) assigned.insert(packet.worker);
    if (!std::holds_alternative<protocol::Run>(*packet.message)) continue;
    ++runs;
    EXPECT_TRUE(assigned.contains(packet.worker)) << packet.worker;
  }
  EXPECT_EQ(runs, 1);
}

TEST(HubRecovery, WorkerThatDiesAtAnyPointForGoodIsReplaced) {
  const int steps = steps_of_a_job();
  for (const char* victim : {"w1", "w2", "w3"}) {
    for (int point = 0; point <= steps; ++point) {
      auto w = ready_world();
      w->infer("job1");
      for (int i = 0; i < point; ++i) w->deliver_next();
      w->kill_worker(victim);
      w->run_dry();
      w->route_all();
      w->settle();
      expect_one_right_answer(*w, point);
      const std::int64_t recoveries = w->answers("job1")[0]["recoveries"];
      EXPECT_EQ(static_cast<std::size_t>(recoveries), w->events("job1", "recovered").size());
    }
  }
}

TEST(HubRecovery, WorkerThatIsStartedAnewUnseenIsMadeUpFor) {
  auto w = ready_world();
  w->infer("job1");
  for (int i = 0; i < 6; ++i) w->deliver_next();
  w->network.clear();
  for (const char* id : {"w1", "w2", "w3"}) w->start_worker(id);  // no will, only a new Hello
  w->settle();
  expect_one_right_answer(*w, 6);
  EXPECT_FALSE(w->events("job1", "recovered").empty());
}

TEST(HubRecovery, NewIncarnationIsSeenByItsHeartbeatToo) {
  auto w = ready_world();
  w->infer("job1");
  for (int i = 0; i < 6; ++i) w->deliver_next();
  w->network.clear();
  for (const char* id : {"w1", "w2", "w3"}) w->start_worker(id);
  w->network.clear();  // the Hellos are lost
  w->beat();
  w->settle();
  expect_one_right_answer(*w, 6);
}

TEST(HubRecovery, LostOrderIsSentAgainAfterAHeartbeatThatDoesNotListIt) {
  auto w = ready_world();
  w->infer("job1");
  w->network.clear();  // Run and image are lost
  w->settle();
  expect_one_right_answer(*w, 0);
  EXPECT_EQ(w->answers("job1")[0]["recoveries"], 0) << "sent again, not taken back";
}

TEST(HubRecovery, EachLostMessageIsMadeUpFor) {
  const int steps = steps_of_a_job();
  for (int lost = 0; lost < steps; ++lost) {
    auto w = ready_world();
    w->infer("job1");
    for (int i = 0; i < lost; ++i) w->deliver_next();
    if (!w->network.empty()) w->network.pop_front();
    w->settle(60'000);
    expect_one_right_answer(*w, lost);
  }
}

TEST(HubRecovery, ReconnectedWorkerGetsItsUnfinishedTasksAgain) {
  auto w = ready_world();
  w->infer("job1");
  w->network.clear();
  for (const auto& id : w->alive) w->step(w->workers.at(id).hello()[0]);
  w->run_dry();
  w->settle();
  expect_one_right_answer(*w, 0);
  EXPECT_EQ(w->answers("job1")[0]["recoveries"], 0);
}

TEST(HubRecovery, ReconnectedHubSendsWhatIsUnfinishedAgain) {
  auto w = ready_world();
  w->infer("job1");
  w->step(BusDisconnected{});
  w->network.clear();
  w->step(BusConnected{});
  w->run_dry();
  w->settle();
  expect_one_right_answer(*w, 0);
}

// What the bus does not take while there is no broker. With `heard`, the hub knows already.
void be_without_broker(World& w, bool heard) {
  if (heard) w.step(BusDisconnected{});
  for (int i = 0; i < 40; ++i) {
    for (auto& packet : std::exchange(w.network, {})) {
      if (!packet.checkpoint) continue;
      const SendCheckpoint& send = *packet.checkpoint;
      w.step(InputNotSent{send.to, send.task, send.epoch, send.tensor.tensor,
                          Error{ErrorKind::disconnected, "no broker"}});
    }
    if (heard) w.advance(60'000);
  }
  if (!heard) w.step(BusDisconnected{});
  w.step(BusConnected{});
  w.run_dry();
}

// A slow link keeps the bus full: that is no worker's failure, however often.
TEST(HubRecovery, ABusThatIsFullFailsNoJob) {
  auto w = ready_world();
  w->infer("job1");
  for (int i = 0; i < 100; ++i) {
    for (auto& packet : std::exchange(w->network, {})) {
      if (!packet.checkpoint) {
        w->deliver(std::move(packet));
        continue;
      }
      const SendCheckpoint& send = *packet.checkpoint;
      w->step(InputNotSent{send.to, send.task, send.epoch, send.tensor.tensor,
                           Error{ErrorKind::overloaded, "too much is being sent"}});
    }
    w->advance(300);
    if (i % 3 == 0) w->beat();
  }
  ASSERT_EQ(w->state().jobs.size(), 1U);
  EXPECT_GT(w->state().jobs.begin()->second.summary.recoveries, 60);
  w->settle();
  EXPECT_EQ(w->answers("job1").at(0)["state"], "done");
}

// Was: an input that could not be sent for want of a broker counted as a failure of its partition,
// and five of them failed the job.
TEST(HubRecovery, BrokerThatIsAwayFailsNoJobHoweverLongItTakes) {
  const int steps = steps_of_a_job();
  for (const bool heard : {false, true}) {
    for (int point = 0; point <= steps; ++point) {
      auto w = ready_world();
      w->infer("job1");
      for (int i = 0; i < point; ++i) w->deliver_next();
      be_without_broker(*w, heard);
      w->settle();
      expect_one_right_answer(*w, point);
      EXPECT_EQ(w->answers("job1")[0]["recoveries"], 0) << "sent again, not taken back";
    }
  }
}

TEST(HubRecovery, PartitionsThatKillTheirWorkersEndSomeTime) {
  Config config;
  config.max_losses = 3;
  auto w = ready_world(config);
  w->infer("job1");
  for (int i = 0; i < 10; ++i) {
    for (const char* id : {"w1", "w2", "w3"}) w->kill_worker(id);
    for (const char* id : {"w1", "w2", "w3"}) w->step(w->workers.at(id).hello()[0]);
  }
  ASSERT_EQ(w->answers("job1").size(), 1U);
  EXPECT_EQ(w->answers("job1")[0]["state"], "failed");
}

TEST(HubRecovery, TaskThatIsNeverDoneIsTakenBackInTheEnd) {
  Config config;
  config.task_timeout_ms = 10'000;
  auto w = ready_world(config);
  for (auto& [id, worker] : w->workers) worker.mute = true;
  w->infer("job1");
  for (int i = 0; i < 120; ++i) {
    w->run_dry();
    w->advance(100);
    if (i % 10 == 0) w->beat();
  }
  EXPECT_FALSE(w->events("job1", "recovered").empty());
  for (auto& [id, worker] : w->workers) worker.mute = false;
  w->settle(60'000);
  expect_one_right_answer(*w, 0);
}

// ---- the hub ------------------------------------------------------------------------------------

TEST(HubRecovery, HubKilledAtAnyPointGoesOnAndAnswersOnce) {
  const int steps = steps_of_a_job();
  for (const std::size_t kept : {0U, 1U, 1000U}) {
    for (int point = 0; point <= steps; ++point) {
      auto w = ready_world();
      w->infer("job1");
      for (int i = 0; i < point; ++i) w->deliver_next();
      w->crash_hub(kept);
      w->run_dry();
      w->start_hub();
      w->settle();
      const auto answers = w->answers("job1");
      ASSERT_GE(answers.size(), 1U) << "point " << point;
      ASSERT_LE(answers.size(), 2U) << "published before the crash, and announced after it";
      for (const auto& answer : answers) EXPECT_EQ(answer["top"], w->expected_top("image"));
      EXPECT_EQ(w->state().finished.size(), 1U);
    }
  }
}

TEST(HubRecovery, NothingStoredIsComputedAgainAfterAHubCrash) {
  const int steps = steps_of_a_job();
  for (int point = 0; point <= steps; ++point) {
    auto w = ready_world();
    w->infer("job1");
    for (int i = 0; i < point; ++i) w->deliver_next();
    w->crash_hub(1000);  // everything written is on disk
    w->start_hub();
    w->settle();
    for (const auto& partition : w->plan.partitions) {
      EXPECT_EQ(w->computed("job1", partition.name.text), 1)
          << partition.name.text << " at point " << point
          << ": workers keep their results until they are stored";
    }
  }
}

TEST(HubRecovery, WholeClusterDownAndUpAgainAnswers) {
  const int steps = steps_of_a_job();
  for (int point = 0; point <= steps; point += 3) {
    auto w = ready_world();
    w->infer("job1");
    for (int i = 0; i < point; ++i) w->deliver_next();
    for (const char* id : {"w1", "w2", "w3"}) w->kill_worker(id);
    w->crash_hub(0);
    w->network.clear();
    w->start_hub();
    for (const char* id : {"w1", "w2", "w3"}) w->start_worker(id);
    w->settle();
    EXPECT_EQ(w->query("job", "job1")["state"], "done");
    EXPECT_EQ(w->query("job", "job1")["answer"]["top"], w->expected_top("image"));
  }
}

TEST(HubRecovery, ResumedTellsWhatIsStored) {
  auto w = ready_world();
  w->infer("job1");
  while (w->events("job1", "stored").size() < 2) ASSERT_TRUE(w->deliver_next());
  w->crash_hub(1000);
  w->start_hub();
  const auto resumed = w->events("job1", "resumed");
  ASSERT_EQ(resumed.size(), 1U);
  const std::string detail = resumed[0]["detail"];
  EXPECT_NE(detail.find("ingest"), std::string::npos) << detail;
  EXPECT_NE(detail.find("v01"), std::string::npos) << detail;
  std::set<std::string> ids;
  std::size_t told = 0;
  w->settle();
  for (const auto& message : w->published) {
    if (message.topic != "hyps/net/events") continue;
    ids.insert(nlohmann::json::parse(message.payload)["id"].get<std::string>());
    ++told;
  }
  EXPECT_EQ(ids.size(), told) << "an event's id names one event, also after a crash";
}

TEST(HubRecovery, AnswerNotAnnouncedBeforeACrashIsAnnouncedAfterIt) {
  auto w = ready_world();
  w->infer("job1", "image", "my/answers");
  w->run_dry();
  ASSERT_EQ(w->answers("job1").size(), 1U);
  w->published.clear();  // the broker died with it
  w->crash_hub(0);
  w->start_hub();
  w->advance(100);
  EXPECT_EQ(w->answers("job1").size(), 1U);
  w->settle();
  w->published.clear();
  w->crash_hub(1000);
  w->start_hub();
  w->settle();
  EXPECT_TRUE(w->answers("job1").empty()) << "announced once it has been out for a while";
}

TEST(HubRecovery, AnswerTheBrokerHasNotAcknowledgedIsAnnouncedAfterACrash) {
  auto w = ready_world();
  w->broker_acknowledges = false;  // the connection is there, and nothing comes through
  w->infer("job1");
  w->run_dry();
  w->advance(60'000);
  ASSERT_EQ(w->answers("job1").size(), 1U) << "the bus sends it for as long as it takes";
  w->published.clear();
  w->crash_hub(1000);
  w->broker_acknowledges = true;
  w->start_hub();
  w->settle();
  EXPECT_EQ(w->answers("job1").size(), 1U);
}

TEST(HubRecovery, AnswerTheBusDidNotTakeIsPublishedAgain) {
  auto w = ready_world();
  w->infer("job1");
  w->run_dry();
  w->published.clear();
  w->step(AnswerNotSent{JobId("job1")});
  w->advance(100);
  EXPECT_EQ(w->answers("job1").size(), 1U);
}

// ---- stored bytes that rot
// ------------------------------------------------------------------------

void put(World& w, const std::string& key, const std::string& value) {
  store::Batch batch;
  batch.puts.emplace_back(key, Blob::copy_of(value));
  batch.sync = true;
  ASSERT_TRUE(w.disk.write(batch).ok());
}

TEST(HubRecovery, DamagedFeatureMapIsComputedAgain) {
  for (const char* tensor : {"x", "t", "u#0.2", "y"}) {
    auto w = ready_world(without_relays());
    w->infer("job1");
    const std::string key = feature_map_key(JobId("job1"), tensor);
    while (!w->disk.now().get(key).ok()) ASSERT_TRUE(w->deliver_next());
    put(*w, key, "rotten");
    w->settle();
    expect_one_right_answer(*w, 0);
    EXPECT_GE(w->events("job1", "recovered").size(), 2U) << "the consumer, and the producer";
  }
}

TEST(HubRecovery, MissingFeatureMapIsComputedAgain) {
  auto w = ready_world(without_relays());
  w->infer("job1");
  while (!w->disk.now().get("c/job1/t").ok()) ASSERT_TRUE(w->deliver_next());
  store::Batch batch;
  batch.deletes = {"c/job1/t"};
  ASSERT_TRUE(w->disk.write(batch).ok());
  w->settle();
  expect_one_right_answer(*w, 0);
}

TEST(HubRecovery, DamagedImageFailsTheJob) {
  auto w = ready_world();
  put(*w, "x", "x");
  w->infer("job1");
  put(*w, "c/job1/@image", "rotten");
  w->settle();
  ASSERT_EQ(w->answers("job1").size(), 1U);
  EXPECT_EQ(w->answers("job1")[0]["state"], "failed");
}

TEST(HubRecovery, DamagedRecordsDoNotStopTheHub) {
  auto w = ready_world();
  w->infer("job1");
  w->settle();
  for (const char* key :
       {"j/job2", "m/other", "p/other", "w/w9", "t/other", "F/other", "f/other"}) {
    put(*w, key, "damaged");
  }
  w->crash_hub();
  w->start_hub();
  EXPECT_TRUE(std::any_of(w->logs.begin(), w->logs.end(),
                          [](const Log& log) { return log.event == "record.damaged"; }));
  w->infer("job3");
  w->settle();
  EXPECT_EQ(w->answers("job3").size(), 1U);
}

}  // namespace
}  // namespace hyps::hub
