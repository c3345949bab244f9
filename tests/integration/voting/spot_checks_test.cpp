// Without replicas: jobs whose answer is known find who lies, and what it had moves.
#include "lying_worker.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class SpotChecks : public ShapesCluster {
 protected:
  SpotChecks() : ShapesCluster(workers(2, "8M"), {"spot_check_one_in=2"}) {}

  void deploy_checked() {
    deploy({"--known", source("models/images/star.jpg").string(), "--known",
            source("models/images/heart.jpg").string(), "--memory", "3M", "--workers", "4"});
  }
  void ask_all(const std::string& round) {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", round + picture.file, picture.bytes);
    }
    ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
  }
  json outcomes() {
    json list = json::array();
    const json votes = client_.query("votes");
    for (const json& check : votes.at("spot_checks")) {
      list.push_back(check.at("outcome"));
    }
    return list;
  }
  bool holds_something(const std::string& worker) {
    const json reply = client_.query("partitions");
    for (const json& row : reply.at("partitions")) {
      if (row.at("worker") == worker) return true;
    }
    return false;
  }
};

TEST_F(SpotChecks, AreRightAmongHonestWorkers) {
  start_and_deploy();
  deploy_checked();
  for (int round = 0; outcomes().size() < 3 && round < 20; ++round) ask_all(std::to_string(round));
  const json seen = outcomes();
  ASSERT_GE(seen.size(), 3U);
  for (const json& outcome : seen) EXPECT_EQ(outcome, "right");
  const json votes = client_.query("votes");
  for (const json& worker : votes.at("workers")) {
    EXPECT_EQ(worker.at("lies"), 0) << worker;
  }
}

TEST_F(SpotChecks, NameALiarAndItsPartitionsMove) {
  cluster_.start_all();
  // Nobody else is there at first, so it is given something.
  cluster_.kill("w2");
  const LyingWorker liar(cluster_, "liar", wrong_values);
  ASSERT_TRUE(client_.wait_query(
      "status", "", [](const json& status) { return status.value("workers_online", 0) == 2; }));
  deploy_checked();
  ASSERT_TRUE(holds_something("liar")) << client_.query("partitions");
  cluster_.start("w2");
  const auto is_known = [&] {
    return client_.query("worker", "liar").at("reputation").at("quarantined").get<bool>();
  };
  for (int round = 0; !is_known() && round < 30; ++round) ask_all("before" + std::to_string(round));
  ASSERT_TRUE(is_known()) << client_.query("votes");
  ASSERT_TRUE(client_.wait_query("partitions", "", [](const json& reply) {
    for (const json& row : reply.at("partitions")) {
      if (row.at("worker") == "liar") return false;
    }
    return true;
  }));
  ask_all("after");
  for (const Picture& picture : pictures_) {
    EXPECT_EQ(label_of("after" + picture.file), picture.label);
  }
  const json votes = client_.query("votes");
  for (const json& worker : votes.at("workers")) {
    EXPECT_EQ(worker.at("lies").get<int>() > 0, worker.at("worker") == "liar") << worker;
  }
}

}  // namespace
}  // namespace hyps::test
