// What users may send, and what they are told when it cannot be done.
#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

class HubInput : public testing::Test {
 protected:
  explicit HubInput(const Config& c = config()) : w(c) {}
  void SetUp() override {
    w.add_worker("w1", true);
    w.deploy();
    w.published.clear();
  }
  static Config config() {
    Config c;
    c.max_image_bytes = 1000;
    c.max_waiting_jobs = 5;
    return c;
  }
  // The refusal on a topic; empty: there is none.
  std::string refusal(const std::string& topic) {
    for (const auto& message : w.published) {
      if (message.topic != topic) continue;
      const auto answer = nlohmann::json::parse(message.payload);
      if (answer["state"] == "refused") return answer["error"];
    }
    return {};
  }
  void input(const std::string& model, const std::string& payload, const std::string& job,
             const std::string& response) {
    w.step(UserInput{ModelName(model), Blob::copy_of(payload), job, response, "corr"});
  }

  World w;
};

// Every input is read from the disk.
class HubInputFromDisk : public HubInput {
 protected:
  HubInputFromDisk() : HubInput(without_relays()) {}
  static Config without_relays() {
    Config c = config();
    c.max_relay_bytes = 0;
    return c;
  }
};

TEST_F(HubInput, UnknownModelIsRefusedByName) {
  input("ghost", "image", "job1", "my/answers");
  EXPECT_NE(refusal("my/answers").find("ghost"), std::string::npos);
  EXPECT_TRUE(w.state().jobs.empty());
}

TEST_F(HubInput, RefusalGoesToTheOutputTopicWhenNoOtherIsGiven) {
  input("net", "", "job1", "");
  EXPECT_EQ(refusal("hyps/net/output"), "the input is empty");
}

TEST_F(HubInput, TooLargeAnImageIsRefused) {
  input("net", std::string(1001, 'x'), "", "my/answers");
  EXPECT_FALSE(refusal("my/answers").empty());
  input("net", std::string(1000, 'x'), "", "my/answers");
  EXPECT_EQ(w.state().jobs.size(), 1U);
}

TEST_F(HubInput, BadJobIdsAreRefused) {
  for (const std::string& id : {std::string("a/b"), std::string("a b"), std::string("-a"),
                                std::string(65, 'a'), std::string("a\0b", 3), std::string("#")}) {
    w.published.clear();
    input("net", "image", id, "my/answers");
    EXPECT_FALSE(refusal("my/answers").empty()) << id;
  }
  EXPECT_TRUE(w.state().jobs.empty());
}

TEST_F(HubInput, AnswersAreNotPublishedWhereTheyWouldBeOrders) {
  for (const char* topic : {"hyps/w/w1/in", "hyps/m/m1/in", "hyps/net/input", "hyps/status",
                            "a/+/b", "a/#", "hyps/worker/w1/status", "$SYS/x", "hyps/c/c1/out"}) {
    w.published.clear();
    input("net", "image", "", topic);
    EXPECT_TRUE(w.state().jobs.empty()) << topic;
    for (const auto& message : w.published) EXPECT_NE(message.topic, topic);
  }
}

TEST_F(HubInput, SameJobIdWhileRunningIsOneJobForAllWhoAsk) {
  input("net", "image", "job1", "my/a");
  input("net", "image", "job1", "my/b");
  input("net", "image", "job1", "my/a");
  EXPECT_EQ(w.state().jobs.size(), 1U);
  w.settle();
  int a = 0;
  int b = 0;
  for (const auto& message : w.published) {
    a += message.topic == "my/a" ? 1 : 0;
    b += message.topic == "my/b" ? 1 : 0;
  }
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, 1);
  EXPECT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.computed("job1", "v01"), 1);
}

TEST_F(HubInput, SameJobIdAfterwardsGetsTheStoredAnswer) {
  input("net", "image", "job1", "");
  w.settle();
  w.published.clear();
  input("net", "image", "job1", "my/late");
  ASSERT_EQ(w.published.size(), 1U);
  EXPECT_EQ(w.published[0].topic, "my/late");
  EXPECT_EQ(w.published[0].correlation, "corr");
  EXPECT_EQ(nlohmann::json::parse(w.published[0].payload)["top"], w.expected_top("image"));
  w.settle();
  EXPECT_EQ(w.computed("job1", "ingest"), 1);
}

TEST_F(HubInput, SameJobIdAfterARestartGetsTheStoredAnswer) {
  input("net", "image", "job1", "");
  w.settle();
  w.crash_hub();
  w.start_hub();
  w.settle();
  w.published.clear();
  input("net", "image", "job1", "my/late");
  ASSERT_FALSE(w.published.empty());
  EXPECT_EQ(nlohmann::json::parse(w.published[0].payload)["top"], w.expected_top("image"));
}

TEST_F(HubInput, JobIdForAnotherImageIsRefused) {
  input("net", "image", "job1", "");
  input("net", "other", "job1", "my/answers");
  EXPECT_FALSE(refusal("my/answers").empty());
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["top"], w.expected_top("image"));
}

TEST_F(HubInput, FullQueueIsToldAndTakesJobsAgainLater) {
  for (int i = 0; i < 5; ++i) input("net", "image", "", "");
  input("net", "image", "late", "my/answers");
  EXPECT_NE(refusal("my/answers").find("queue is full"), std::string::npos);
  EXPECT_FALSE(w.query("status")["accepting"]);
  EXPECT_NE(w.query("status")["problem"], "");
  w.settle();
  EXPECT_TRUE(w.query("status")["accepting"]);
  input("net", "image", "late", "");
  w.settle();
  EXPECT_EQ(w.query("job", "late")["state"], "done");
}

TEST_F(HubInput, RepeatedJobIsAnsweredEvenWhenTheQueueIsFull) {
  input("net", "image", "job1", "");
  for (int i = 0; i < 4; ++i) input("net", "image", "", "");
  input("net", "image", "job1", "my/answers");
  EXPECT_EQ(refusal("my/answers"), "");
  w.settle();
  EXPECT_TRUE(std::any_of(w.published.begin(), w.published.end(),
                          [](const Publish& m) { return m.topic == "my/answers"; }));
}

TEST_F(HubInput, DiskReserveRefusesNewJobsAndIsShown) {
  w.step(DiskFree{100});
  input("net", "image", "job1", "my/answers");
  EXPECT_NE(refusal("my/answers").find("disk full"), std::string::npos);
  EXPECT_FALSE(w.query("status")["accepting"]);
  w.step(DiskFree{1LL << 40});
  input("net", "image", "job1", "");
  w.settle();
  EXPECT_EQ(w.answers("job1").back()["state"], "done");
  EXPECT_TRUE(w.query("status")["accepting"]);
}

TEST_F(HubInput, JobThatCannotBeWrittenIsRefusedAndForgotten) {
  w.disk.full = true;
  input("net", "image", "job1", "my/answers");
  EXPECT_NE(refusal("my/answers").find("disk full"), std::string::npos);
  EXPECT_TRUE(w.state().jobs.empty());
  EXPECT_FALSE(w.query("status")["accepting"]);
  w.disk.full = false;
  input("net", "image", "job1", "");
  w.settle();
  EXPECT_EQ(w.query("job", "job1")["state"], "done");
}

TEST_F(HubInput, ResultsWaitWhileTheDiskIsFullAndAreNotComputedAgain) {
  input("net", "image", "job1", "");
  w.disk.full = true;
  for (int i = 0; i < 100; ++i) {
    w.run_dry();
    w.advance(100);
    if (i % 10 == 0) w.beat();
  }
  EXPECT_EQ(w.computed("job1", "ingest"), 1);
  EXPECT_EQ(w.computed("job1", "v01"), 0) << "its input is not stored";
  EXPECT_FALSE(w.query("status")["accepting"]);
  w.disk.full = false;
  w.settle();
  EXPECT_EQ(w.answers("job1").at(0)["top"], w.expected_top("image"));
  EXPECT_EQ(w.computed("job1", "ingest"), 1);
  EXPECT_TRUE(w.query("status")["accepting"]);
}

TEST_F(HubInput, NoWorkerForgetsAnAnswerThatWaitsForTheDisk) {
  input("net", "image", "job1", "");
  while (w.computed("job1", "report") == 0) ASSERT_TRUE(w.deliver_next());
  w.disk.full = true;
  w.run_dry();
  w.beat();
  while (!w.network.empty()) {
    const auto& packet = w.network.front();
    const bool forget = packet.message && std::holds_alternative<protocol::Stored>(*packet.message);
    EXPECT_FALSE(forget &&
                 std::get<protocol::Stored>(*packet.message).task.partition.text == "report")
        << "it is not stored yet";
    w.deliver_next();
  }
  w.disk.full = false;
  w.settle();
  EXPECT_EQ(w.computed("job1", "report"), 1);
  EXPECT_EQ(w.answers("job1").size(), 1U);
}

TEST_F(HubInput, FeatureMapsThatCouldNotBeDeletedAreDeletedLater) {
  const auto run = [&](const std::string& job) {
    input("net", "image", job, "");
    w.settle();
  };
  for (int i = 0; i < 17; ++i) run("job" + std::to_string(i));
  ASSERT_EQ(w.disk.keys(feature_maps_of(JobId("job0"))), 0U) << "sixteen are kept";
  ASSERT_GT(w.disk.keys(feature_maps_of(JobId("job5"))), 0U);
  w.disk.full = true;
  w.step(DiskFree{100});  // below the reserve all of them go, and cannot
  w.advance(100);
  ASSERT_GT(w.disk.keys(kFeatureMaps), 0U);
  w.disk.full = false;
  for (int i = 0; i < 20; ++i) w.advance(500);
  EXPECT_EQ(w.disk.keys(kFeatureMaps), 0U);
}

TEST_F(HubInputFromDisk, DamagedFeatureMapThatCouldNotBeDeletedIsDeletedLater) {
  const JobId job("job1");
  const std::string x = feature_map_key(job, "x");
  input("net", "image", "job1", "");
  while (!w.disk.now().get(x).ok()) ASSERT_TRUE(w.deliver_next());
  for (const auto& key : {x, feature_map_key(job, partition::kImageTensor)}) {
    w.disk.rot(key, Blob::of(std::string("rotten")));
  }
  w.disk.failing_writes = 1;  // the deletion of x
  w.settle();
  ASSERT_EQ(w.query("job", "job1")["state"], "failed") << "its image is damaged too";
  for (int i = 0; i < 20; ++i) w.advance(500);
  EXPECT_EQ(w.disk.keys(feature_maps_of(job)), 1U) << "only the input of failed jobs is kept";
}

TEST_F(HubInput, FullDiskAtEveryPointEndsInOneAnswerOnceThereIsRoom) {
  for (int point = 0; point < 40; ++point) {
    const std::string job = "job" + std::to_string(point);
    input("net", "image", job, "");
    for (int i = 0; i < point; ++i) w.deliver_next();
    w.disk.full = true;
    w.run_dry();
    w.advance(300);
    w.disk.full = false;
    w.settle();
    ASSERT_EQ(w.answers(job).size(), 1U) << point;
    EXPECT_EQ(w.answers(job)[0]["state"], "done");
  }
}

}  // namespace
}  // namespace hyps::hub
