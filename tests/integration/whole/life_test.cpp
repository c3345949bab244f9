// Models, jobs and workers over their lives in a real cluster.
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class Life : public ShapesCluster {
 protected:
  explicit Life(const std::vector<WorkerSetup>& list = workers(3)) : ShapesCluster(list) {}

  json partitions() { return client_.query("partitions").at("partitions"); }
  std::map<std::string, std::string> worker_of() {
    std::map<std::string, std::string> workers_by_partition;
    for (const json& row : partitions()) {
      workers_by_partition[row.at("partition")] = row.value("worker", "");
    }
    return workers_by_partition;
  }
  // How often each partition of a job was given to a worker.
  std::map<std::string, int> starts_of(const std::string& job) {
    std::map<std::string, int> starts;
    const json reply = client_.query("job", job);
    for (const json& event : reply.at("timeline")) {
      if (event.at("event") == "started") ++starts[event.at("partition")];
    }
    return starts;
  }
};

class OneSmallWorker : public Life {
 protected:
  OneSmallWorker() : Life({{"w1", "3200K"}}) {}
};

TEST_F(OneSmallWorker, RunsAModelThatIsTwiceAsLargeOnePartitionAfterAnother) {
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(1));
  deploy();
  std::int64_t all = 0;
  std::int64_t largest = 0;
  for (const json& row : partitions()) {
    all += row.at("memory_bytes").get<std::int64_t>();
    largest = std::max(largest, row.at("memory_bytes").get<std::int64_t>());
  }
  EXPECT_GT(all, 2 * (3200 << 10)) << "it fits as a whole, which shows nothing";
  EXPECT_LE(largest, 3200 << 10);
  for (const Picture& picture : pictures_) client_.ask("shapes", picture.file, picture.bytes);
  ASSERT_TRUE(client_.wait_answered(60'000));
  for (const Picture& picture : pictures_) EXPECT_EQ(label_of(picture.file), picture.label);
}

TEST_F(OneSmallWorker, IsRelievedByAWorkerThatJoins) {
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(1));
  deploy();
  for (const auto& [partition, worker] : worker_of()) EXPECT_EQ(worker, "w1") << partition;
  cluster_.add_worker({"w2", "8M"});
  cluster_.start("w2");
  EXPECT_TRUE(client_.wait_query("partitions", "", [](const json& reply) {
    for (const json& row : reply.at("partitions")) {
      if (row.value("worker", "") == "w2" && row.at("state") == "loaded") return true;
    }
    return false;
  })) << partitions();
  expect_still_answering();
}

TEST_F(Life, AWorkerThatComesBackUnderItsNameIsUsedAgain) {
  start_and_deploy();
  const auto before = worker_of();
  cluster_.kill("w1");
  expect_still_answering();
  cluster_.start("w1");
  ASSERT_TRUE(client_.wait_workers_online(3));
  for (const char* other : {"w2", "w3"}) cluster_.kill(other);
  expect_still_answering();
  for (const auto& [partition, worker] : worker_of()) EXPECT_EQ(worker, "w1") << partition;
}

TEST_F(Life, AWorkerThatIsReplacedAtOnceUnderTheSameNameLosesNothing) {
  start_and_deploy();
  for (int i = 0; i < 5; ++i) {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", std::to_string(i) + picture.file, picture.bytes);
    }
    cluster_.kill("w2");
    cluster_.start("w2");
    ASSERT_TRUE(client_.wait_answered(60'000));
  }
  for (const Picture& picture : pictures_) EXPECT_EQ(label_of("4" + picture.file), picture.label);
}

TEST_F(Life, ABrokerThatIsAwayForSecondsFailsNoJob) {
  start_and_deploy();
  for (int i = 0; i < 5; ++i) {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", std::to_string(i) + picture.file, picture.bytes);
    }
  }
  ASSERT_TRUE(client_.pump([&] { return client_.unanswered().size() < 65; }, 30'000));
  cluster_.kill("broker");
  client_.listen(4000);
  cluster_.start("broker");
  ASSERT_TRUE(client_.wait_answered(60'000));
  for (const auto& [job, answers] : client_.answers()) {
    EXPECT_EQ(label_of(job), picture(job.substr(1)).label);
  }
}

TEST_F(Life, TheSameJobIdSentAgainIsComputedOnceAndAnsweredToEachWhoAsks) {
  start_and_deploy();
  Client other(cluster_.port(), "other-client");
  const Blob image = picture("heart.jpg").bytes;
  for (int i = 0; i < 3; ++i) client_.ask("shapes", "twice", image);
  other.ask("shapes", "twice", image);
  ASSERT_TRUE(client_.wait_answered(30'000));
  ASSERT_TRUE(other.wait_answered(30'000));
  client_.ask("shapes", "twice", image);  // when it is long done
  ASSERT_TRUE(client_.wait_answered(30'000));
  int mine = 0;
  for (const Answer& answer : client_.answers().at("twice")) {
    EXPECT_EQ(answer.text, other.answers().at("twice").front().text);
    mine += answer.topic == client_.answer_topic() ? 1 : 0;
  }
  EXPECT_GE(mine, 2);
  for (const auto& [partition, times] : starts_of("twice")) EXPECT_EQ(times, 1) << partition;
  EXPECT_EQ(starts_of("twice").size(), partitions().size());
  EXPECT_EQ(client_.query("status").at("jobs_done"), 1);
}

TEST_F(Life, AnImageWithoutJobIdAndResponseTopicIsAnsweredOnTheOutputTopic) {
  start_and_deploy();
  client_.publish({.topic = "hyps/shapes/input", .payload = picture("bolt.jpg").bytes});
  ASSERT_TRUE(client_.pump([&] { return !client_.answers().empty(); }, 30'000));
  const Answer& answer = client_.answers().begin()->second.front();
  EXPECT_EQ(answer.topic, "hyps/shapes/output");
  EXPECT_EQ(answer.body.at("top").at(0).at("label"), "bolt");
}

TEST_F(Life, DeployingAgainUnderTheSameNameReplacesTheModelAndLosesNoJob) {
  start_and_deploy();
  const std::string plan = client_.query("model", "shapes").at("plan");
  for (const Picture& picture : pictures_) {
    client_.ask("shapes", "old-" + picture.file, picture.bytes);
  }
  deploy({"--memory", "2M"});
  EXPECT_NE(client_.query("model", "shapes").at("plan"), plan);
  for (const Picture& picture : pictures_) {
    client_.ask("shapes", "new-" + picture.file, picture.bytes);
  }
  ASSERT_TRUE(client_.wait_answered(60'000));
  for (const Picture& picture : pictures_) {
    EXPECT_EQ(label_of("old-" + picture.file), picture.label);
    EXPECT_EQ(label_of("new-" + picture.file), picture.label);
  }

  const auto labels = cluster_.folder() / "labels.txt";
  std::ofstream(labels) << "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
  deploy({"--labels", labels.string()});
  client_.ask("shapes", "relabelled", picture("star.jpg").bytes);
  ASSERT_TRUE(client_.wait_answered(30'000));
  EXPECT_EQ(label_of("relabelled"), "i");
}

TEST_F(Life, TwoModelsShareTheWorkers) {
  start_and_deploy();
  deploy({"--name", "second"});
  for (const Picture& picture : pictures_) {
    client_.ask("shapes", "one-" + picture.file, picture.bytes);
    client_.ask("second", "two-" + picture.file, picture.bytes);
  }
  ASSERT_TRUE(client_.wait_answered(60'000));
  for (const Picture& picture : pictures_) {
    EXPECT_EQ(label_of("one-" + picture.file), picture.label);
    EXPECT_EQ(label_of("two-" + picture.file), picture.label);
  }
}

TEST_F(Life, AModelIsRemovedWhenItsJobsAreDone) {
  start_and_deploy();
  for (const std::string& worker : cluster_.worker_names()) cluster_.pause(worker);
  client_.ask("shapes", "last", picture("star.jpg").bytes);
  ASSERT_TRUE(client_.wait_query("job", "last", [](const json&) { return true; }));
  const Outcome too_early = cluster_.hyps({"remove", "shapes"});
  EXPECT_NE(too_early.code, 0) << "it has an unfinished job";
  for (const std::string& worker : cluster_.worker_names()) cluster_.resume(worker);
  ASSERT_TRUE(client_.wait_answered(30'000));
  EXPECT_EQ(label_of("last"), "star");

  const Outcome removed = cluster_.hyps({"remove", "shapes"});
  EXPECT_EQ(removed.code, 0) << removed.errors;
  EXPECT_TRUE(client_.query("models").at("models").empty());
  EXPECT_TRUE(partitions().empty());
  client_.ask("shapes", "orphan", picture("star.jpg").bytes);
  ASSERT_TRUE(client_.wait_answered(30'000));
  EXPECT_EQ(client_.answer_of("orphan").at("state"), "refused");
  EXPECT_EQ(cluster_.hyps({"remove", "shapes"}).code, 3);
  deploy();
  expect_still_answering();
}

class OpenWorkers : public Life {
 protected:
  OpenWorkers()
      : Life({{"w1", "4M"}, {"w2", "4M", "open"}, {"w3", "4M", "open"}, {"w4", "4M", "open"}}) {}

  void expect_nothing_safe_outside() {
    int outside = 0;
    for (const json& row : partitions()) {
      if (row.value("safe_zone", false)) {
        EXPECT_EQ(row.value("worker", ""), "w1") << row;
      }
      outside += row.value("worker", "") != "w1" ? 1 : 0;
    }
    EXPECT_GT(outside, 0) << "the others should have something to do";
    for (const json& event : client_.events()) {
      const std::string partition = event.value("partition", "");
      if (partition == "ingest" || partition == "report") {
        EXPECT_EQ(event.value("worker", "w1"), "w1") << event;
      }
    }
  }
};

TEST_F(OpenWorkers, NeverHoldWhatBelongsToTheSafeZone) {
  start_and_deploy();
  for (const Picture& picture : pictures_) client_.ask("shapes", picture.file, picture.bytes);
  ASSERT_TRUE(client_.wait_answered(60'000));
  expect_nothing_safe_outside();

  cluster_.kill("w1");
  client_.ask("shapes", "waits", picture("star.jpg").bytes);
  EXPECT_TRUE(client_.wait_query("model", "shapes", [](const json& model) {
    return model.value("problem", "").find("safe") != std::string::npos;
  })) << client_.query("model", "shapes").value("problem", "");
  EXPECT_EQ(client_.unanswered().size(), 1U) << "somebody outside has computed it";
  cluster_.start("w1");
  ASSERT_TRUE(client_.wait_answered(60'000));
  EXPECT_EQ(label_of("waits"), "star");
  expect_nothing_safe_outside();
}

}  // namespace
}  // namespace hyps::test
