// Images computed together have the answers that each has by itself, whoever computes them.
#include <algorithm>

#include "bits.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

// Waiting long enough that images sent together are there together.
class Batches : public ShapesCluster {
 protected:
  Batches() : ShapesCluster(workers(3, "8M")) {
    for (const std::string& worker : cluster_.worker_names()) {
      cluster_.set(worker, "batch_wait_ms=300");
    }
  }
  void ask_all(const std::string& prefix) {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", prefix + picture.file, picture.bytes);
    }
    ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
  }
  void expect_answers_like_alone() {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", "alone-" + picture.file, picture.bytes);
      ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
      const json& alone = client_.answer_of("alone-" + picture.file);
      const json& together = client_.answer_of("together-" + picture.file);
      ASSERT_EQ(together.value("state", ""), "done") << together;
      EXPECT_EQ(alone.at("outputs"), together.at("outputs"));
      EXPECT_EQ(label_of("together-" + picture.file), picture.label);
    }
  }
  // Whether this worker computed several images in one go.
  [[nodiscard]] bool computed_together(const std::string& worker) const {
    return cluster_.log(worker).find("computing.together") != std::string::npos;
  }
};

TEST_F(Batches, GiveTheAnswersOfOneImageAfterAnother) {
  start_and_deploy();
  ask_all("together-");
  const auto names = cluster_.worker_names();
  EXPECT_TRUE(std::ranges::any_of(names, [&](auto& name) { return computed_together(name); }));
  expect_answers_like_alone();
  const auto bundles = write_bundles(cluster_, client_, "shapes", source("models/shapes.onnx"));
  expect_same_bits(cluster_, bundles, source("models/images/star.jpg"),
                   client_.answer_of("together-star.jpg"));
}

TEST_F(Batches, OfOneReplicaAgreeWithSingleImagesOfAnother) {
  cluster_.set("w1", "max_batch=1");
  cluster_.set("hub", "worker_credits=16");  // else w1 gets two at a time, and the others with it
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(3));
  deploy({"--replicas", "3"});
  ask_all("together-");
  EXPECT_FALSE(computed_together("w1"));
  EXPECT_TRUE(computed_together("w2") || computed_together("w3"));
  const json votes = client_.query("votes");
  ASSERT_FALSE(votes.at("workers").empty());
  for (const json& worker : votes.at("workers")) {
    EXPECT_EQ(worker.at("lies").get<int>(), 0) << worker;
  }
  expect_answers_like_alone();
}

TEST_F(Batches, AreAskedForByInfer) {
  start_and_deploy();
  std::vector<std::string> words{"infer", "-o", "json", "--batch", "3"};
  for (const Picture& picture : pictures_) {
    words.push_back(source("models/images/" + picture.file).string());
  }
  const Outcome outcome = cluster_.hyps(words);
  ASSERT_EQ(outcome.code, 0) << outcome.errors;
  const json answers = json::parse(outcome.output, nullptr, false);
  ASSERT_EQ(answers.size(), pictures_.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].at("top").at(0).at("label"), pictures_[i].label);
  }
}

}  // namespace
}  // namespace hyps::test
