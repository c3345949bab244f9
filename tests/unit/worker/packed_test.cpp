// Packed weights in the worker's cache: made at the first opening, used at the next, and never
// trusted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/base/file.hpp"
#include "common/partition/partition.hpp"
#include "services/manager/bundle.hpp"
#include "services/worker/open_cached.hpp"
#include "tests/unit/worker/small_graph.hpp"

namespace hyps::worker::testing {
namespace {

namespace fs = std::filesystem;

class WorkerPacked : public ::testing::Test {
 protected:
  void SetUp() override {
    partition::Request request;
    request.model_name = "small";
    request.threshold.value = 1 << 20U;
    auto plan = partition::make_plan(graph_, request);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    const auto& part = plan->partitions.at(1);
    ASSERT_TRUE(manager::write_bundle(graph_, *plan, part, {}, folder_.path() / "bundle").ok());
    start();
    load_ = {1, {plan->id(), part.name, partition::to_string(part.kind), 1000, {}, 1}};
    for (const auto& entry : fs::directory_iterator(folder_.path() / "bundle")) {
      const auto content = map_file(entry.path());
      ASSERT_TRUE(content.ok());
      load_.partition.files.push_back(
          {entry.path().filename(), content->size(), digest_of(content->bytes())});
    }
    put_files();
  }
  void start(std::uint64_t limit_bytes = 1U << 20U) {
    cache_ = std::make_unique<BundleCache>(folder_.path() / "cache", limit_bytes);
    ASSERT_TRUE(cache_->open().ok());
  }
  void put_files() {
    for (const auto& file : load_.partition.files) {
      fs::copy_file(folder_.path() / "bundle" / file.name,
                    cache_->files_folder() / file.digest.hex(),
                    fs::copy_options::overwrite_existing);
    }
    EXPECT_TRUE(cache_->keep(load_.partition.files));
  }
  fs::path weights() {
    for (const auto& file : load_.partition.files) {
      if (file.name == "weights.bin") return cache_->files_folder() / file.digest.hex();
    }
    return {};
  }
  [[nodiscard]] std::vector<fs::path> packed() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_.path() / "cache" / "packed")) {
      found.push_back(entry.path());
    }
    return found;
  }
  // What it computes, opened anew.
  std::string answer() {
    auto runner = open_cached(load_, *cache_, *engine_);
    EXPECT_TRUE(runner.ok()) << (runner.ok() ? "" : runner.error().message);
    if (!runner) return "nothing";
    auto outputs = (*runner)->run({random_input(3).data});
    EXPECT_TRUE(outputs.ok());
    return std::string(outputs->at(0).text());
  }
  static void flip(const fs::path& file, std::streamoff at) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(at);
    stream.put(byte);
  }

  TemporaryFolder folder_;
  cnn::Graph graph_ = small_graph();
  Load load_;
  std::unique_ptr<BundleCache> cache_;
  std::unique_ptr<engine::Engine> engine_ = engine::make_onednn_engine(1);
};

TEST_F(WorkerPacked, AreUsedInsteadOfTheBundlesWeightsWhichAreNotEvenChecked) {
  const auto expected = answer();
  ASSERT_EQ(packed().size(), 1U);
  ASSERT_FALSE(weights().empty());
  fs::resize_file(weights(), 0);
  fs::resize_file(weights(), fs::file_size(folder_.path() / "bundle" / "weights.bin"));
  start();  // another life
  EXPECT_EQ(answer(), expected);
}

TEST_F(WorkerPacked, AreMadeAnewWhenDamagedOrCutShort) {
  const auto expected = answer();
  ASSERT_EQ(packed().size(), 1U);
  const auto file = packed().front();
  const auto whole = read_file(file, 1U << 20U);
  ASSERT_TRUE(whole.ok());
  flip(file, static_cast<std::streamoff>(whole->size()) - 3);
  EXPECT_EQ(answer(), expected);
  EXPECT_EQ(*read_file(file, 1U << 20U), *whole) << "not rebuilt";
  fs::resize_file(file, whole->size() / 2);
  EXPECT_EQ(answer(), expected);
  EXPECT_EQ(*read_file(file, 1U << 20U), *whole) << "not rebuilt";
}

TEST_F(WorkerPacked, OfRottenWeightsAreNotMade) {
  flip(weights(), 5);
  const auto refused = open_cached(load_, *cache_, *engine_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_TRUE(packed().empty());
  put_files();  // fetched again
  EXPECT_NE(answer(), "nothing");
}

TEST_F(WorkerPacked, KeepNobodyFromComputingWhenTheyCannotBeWritten) {
  const auto expected = answer();
  fs::remove_all(folder_.path() / "cache" / "packed");
  EXPECT_EQ(answer(), expected);
}

TEST_F(WorkerPacked, GoFirstWhereTheCacheIsTooSmall) {
  const auto expected = answer();
  start(1);
  EXPECT_FALSE(cache_->keep(load_.partition.files)) << "assigned ones alone are above it";
  EXPECT_TRUE(packed().empty());
  EXPECT_EQ(answer(), expected) << "used while it is there, deleted or not";
  EXPECT_TRUE(packed().empty());
  EXPECT_TRUE(fs::exists(weights())) << "assigned ones stay";
}

}  // namespace
}  // namespace hyps::worker::testing
