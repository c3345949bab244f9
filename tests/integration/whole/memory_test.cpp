// A worker's peak of resident memory against its budget, and its packed weights damaged.
#include "bits.hpp"
#include "peak.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::test {
namespace {

constexpr const char* kModel = "squeezenet1_1";
constexpr int kDeploy_ms = 300'000;

class WorkerMemoryBase : public testing::Test {
 protected:
  void start(int budget_mb) {
    cluster_.add_worker({"w1", std::to_string(budget_mb) + "M"});
    cluster_.start_all();
    ASSERT_TRUE(client_.wait_workers_online(1));
    const Outcome made = cluster_.hyps({"make-model", kModel, "-o", onnx_.string()}, kDeploy_ms);
    ASSERT_EQ(made.code, 0) << made.errors;
    const Outcome deployed = cluster_.hyps({"deploy", onnx_.string()}, kDeploy_ms);
    ASSERT_EQ(deployed.code, 0) << deployed.errors;
  }
  json ask(const std::string& job) {
    client_.ask(kModel, job, Blob::of(text_of(image_)));
    EXPECT_TRUE(client_.wait_answered(120'000)) << cluster_.log("w1");
    return client_.answer_of(job);
  }
  [[nodiscard]] std::vector<std::filesystem::path> packed() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(cluster_.folder() / "w1" / "packed")) {
      files.push_back(entry.path());
    }
    return files;
  }

  Cluster cluster_;
  Client client_{cluster_.port()};
  const std::filesystem::path onnx_ = cluster_.folder() / (std::string(kModel) + ".onnx");
  const std::filesystem::path image_ = source_dir() / "models/images/star.jpg";
};

class WorkerMemory : public WorkerMemoryBase, public testing::WithParamInterface<int> {};

TEST_P(WorkerMemory, PeaksWithin16MBAboveTheBudget) {
  start(GetParam());
  const json answer = ask("one");
  for (int i = 0; i < 10; ++i) ask("again-" + std::to_string(i));
  EXPECT_LE(peak_resident_mb(cluster_.pid("w1")), GetParam() + 16);
  expect_same_bits(cluster_, write_bundles(cluster_, client_, kModel, onnx_), image_, answer);
}

INSTANTIATE_TEST_SUITE_P(Budgets, WorkerMemory, testing::Values(12, 16, 24, 64));

using PackedWeights = WorkerMemoryBase;

TEST_F(PackedWeights, DamagedPackedWeightsAreMadeAnew) {
  start(16);
  const json before = ask("before");
  cluster_.kill("w1");
  ASSERT_FALSE(packed().empty());
  for (const auto& file : packed()) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 2));
    stream.write("damage", 6);
  }
  cluster_.start("w1");
  const json after = ask("after");
  EXPECT_EQ(after.at("outputs"), before.at("outputs"));
  EXPECT_THAT(cluster_.log("w1"), testing::HasSubstr("packed.rebuilt"));
}

}  // namespace
}  // namespace hyps::test
