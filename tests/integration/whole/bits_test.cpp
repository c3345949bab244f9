// Promise: the cluster's answer is, bit for bit, that of `hyps run` on the same plan.
#include "bits.hpp"

#include "recorded.hpp"
#include "tests/support/pictures.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class Bits : public ShapesCluster {
 protected:
  explicit Bits(const std::vector<WorkerSetup>& list) : ShapesCluster(list) {}
};

class BitsOfShapes : public Bits {
 protected:
  // Workers with different numbers of threads: who computes makes no difference.
  BitsOfShapes() : Bits({{"w1", "4M"}, {"w2", "4M", "safe", 2}, {"w3", "4M", "safe", 3}}) {}
};

TEST_F(BitsOfShapes, AreThoseOfOneProcessWithAnyNumberOfThreads) {
  start_and_deploy();
  const auto bundles = write_bundles(cluster_, client_, "shapes", source("models/shapes.onnx"));
  for (const Picture& picture : pictures_) client_.ask("shapes", picture.file, picture.bytes);
  ASSERT_TRUE(client_.wait_answered(60'000));
  for (const Picture& picture : pictures_) {
    EXPECT_EQ(label_of(picture.file), picture.label);
    expect_same_bits(cluster_, bundles, source("models/images/" + picture.file),
                     client_.answer_of(picture.file));
  }
}

TEST_F(BitsOfShapes, StayTheSameAfterTheModelMovedToOtherWorkers) {
  start_and_deploy();
  client_.ask("shapes", "before", picture("star.jpg").bytes);
  ASSERT_TRUE(client_.wait_answered(30'000));
  for (const std::string& victim : cluster_.worker_names()) {
    cluster_.kill(victim);
    client_.ask("shapes", "without-" + victim, picture("star.jpg").bytes);
    ASSERT_TRUE(client_.wait_answered(30'000)) << victim;
    EXPECT_EQ(client_.answer_of("without-" + victim).at("outputs"),
              client_.answer_of("before").at("outputs"));
    cluster_.start(victim);
    ASSERT_TRUE(client_.wait_workers_online(3));
  }
}

// Networks trained by others, with outputs recorded by another engine.
class BitsOfKnownNetworks : public Bits, public testing::WithParamInterface<const char*> {
 protected:
  BitsOfKnownNetworks() : Bits({{"w1", "8M"}, {"w2", "8M", "safe", 2}, {"w3", "8M"}}) {}
};

TEST_P(BitsOfKnownNetworks, AreThoseOfOneProcessAndTheScoresAreTheRecordedOnes) {
  const std::string assets = assets_folder();
  if (assets.empty()) GTEST_SKIP() << "HYPS_ASSETS names no folder of trained networks";
  const std::filesystem::path folder(assets);
  const std::string model = GetParam();
  const auto onnx = folder / "models" / (model + ".onnx");
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(3));
  const Outcome deployed = cluster_.hyps({"deploy", onnx.string()});
  ASSERT_EQ(deployed.code, 0) << deployed.errors;
  EXPECT_GT(client_.query("partitions").at("partitions").size(), 3U) << "it should be cut";
  const auto bundles = write_bundles(cluster_, client_, model, onnx);
  const auto list = recorded_scores(folder, model);
  ASSERT_FALSE(list.empty());
  for (const RecordedScores& reference : list) {
    const auto& input = reference.input;
    const std::string job = input.filename().string();
    client_.ask(model, job, blob_of(input));
    ASSERT_TRUE(client_.wait_answered(60'000));
    const json& answer = client_.answer_of(job);
    expect_same_bits(cluster_, bundles, input, answer);
    expect_recorded(reference, answer);
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, BitsOfKnownNetworks,
                         testing::Values("squeezenet1.1", "tiny_darknet"));

}  // namespace
}  // namespace hyps::test
