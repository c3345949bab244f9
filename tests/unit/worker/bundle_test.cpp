// Bundles on disk: written, linked through the cache, opened, run; the same bits as the graph.
#include "services/manager/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "common/base/file.hpp"
#include "common/base/random.hpp"
#include "common/engine/engine.hpp"
#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"
#include "services/worker/bundle_cache.hpp"
#include "services/worker/runner.hpp"
#include "tests/unit/worker/small_graph.hpp"

namespace hyps::worker::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

partition::Plan plan_of(const cnn::Graph& graph) {
  partition::Request request;
  request.model_name = "small";
  request.threshold.value = 1 << 20U;
  request.slices = {{"fc", 3}};
  request.min_partitions = 2;
  auto plan = partition::make_plan(graph, request);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return std::move(*plan);
}

std::map<std::string, Blob> run_all(const fs::path& folder, const partition::Plan& plan,
                                    const Blob& payload, engine::Engine& engine) {
  std::map<std::string, Blob> tensors{{partition::kImageTensor, payload}};
  for (const partition::Partition& part : plan.partitions) {
    auto runner = open_bundle(folder / part.name.text, partition::to_string(part.kind), engine);
    EXPECT_TRUE(runner.ok()) << (runner.ok() ? "" : runner.error().message);
    if (!runner) return tensors;
    std::vector<Blob> inputs;
    for (const cnn::Value& value : part.inputs) inputs.push_back(tensors.at(value.name));
    auto outputs = (*runner)->run(inputs);
    EXPECT_TRUE(outputs.ok()) << (outputs.ok() ? "" : outputs.error().message);
    if (!outputs) return tensors;
    for (std::size_t i = 0; i < part.outputs.size(); ++i) {
      tensors[part.outputs[i].name] = outputs->at(i);
    }
  }
  return tensors;
}

class WorkerBundle : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const partition::Partition& part : plan_.partitions) {
      const auto status = manager::write_bundle(graph_, plan_, part, {"cat\ndog\nbird\n", ""},
                                                folder_.path() / part.name.text);
      ASSERT_TRUE(status.ok()) << status.error().message;
    }
  }
  TemporaryFolder folder_;
  cnn::Graph graph_ = small_graph();
  partition::Plan plan_ = plan_of(graph_);
  std::unique_ptr<engine::Engine> engine_ = engine::make_reference_engine();
};

TEST_F(WorkerBundle, AllInTurnGiveTheBitsOfTheWholeModel) {
  const cnn::Tensor input = random_input(1);
  const Blob payload = Blob::of(onnx::to_tensor_proto(input, "x"));
  const auto tensors = run_all(folder_.path(), plan_, payload, *engine_);
  const auto whole = cnn::run_reference(graph_, {input});
  ASSERT_TRUE(whole.ok());
  const auto output = tensors.find(graph_.outputs[0].name);
  ASSERT_NE(output, tensors.end());
  EXPECT_EQ(output->second, whole->at(0).data);
  ASSERT_TRUE(tensors.contains(partition::kAnswerTensor));
  EXPECT_THAT(std::string(tensors.at(partition::kAnswerTensor).text()), HasSubstr("\"label\""));
}

TEST_F(WorkerBundle, TheFastEngineGivesTheSameBitsEveryTime) {
  const auto engine = engine::make_onednn_engine(1);
  const Blob payload = Blob::of(onnx::to_tensor_proto(random_input(2), "x"));
  const auto first = run_all(folder_.path(), plan_, payload, *engine);
  const auto again = run_all(folder_.path(), plan_, payload, *engine);
  EXPECT_EQ(first.size(), again.size());
  for (const auto& [name, data] : first) EXPECT_EQ(data, again.at(name)) << name;
}

TEST_F(WorkerBundle, AnImageThatIsNoneIsInvalid) {
  auto runner = open_bundle(folder_.path() / "ingest", "ingest", *engine_);
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  for (const char* payload : {"", "no image"}) {
    const auto result = (*runner)->run({Blob::copy_of(std::string(payload))});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::invalid) << result.error().message;
  }
}

TEST_F(WorkerBundle, AnInputOfAnotherSizeIsInvalid) {
  const auto& part = plan_.partitions.at(1);
  auto runner =
      open_bundle(folder_.path() / part.name.text, partition::to_string(part.kind), *engine_);
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  for (const auto& inputs : {std::vector<Blob>{}, std::vector<Blob>{Blob::copy_of("abc")}}) {
    const auto result = (*runner)->run(inputs);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::invalid);
  }
}

TEST_F(WorkerBundle, UnalignedInputsAreTakenToo) {
  const auto& part = plan_.partitions.at(1);
  auto runner =
      open_bundle(folder_.path() / part.name.text, partition::to_string(part.kind), *engine_);
  ASSERT_TRUE(runner.ok());
  const cnn::Tensor input = random_input(3);
  const Blob shifted =
      Blob::copy_of("x" + std::string(input.data.text())).slice(1, input.data.size());
  const auto even = (*runner)->run({input.data});
  const auto odd = (*runner)->run({shifted});
  ASSERT_TRUE(even.ok() && odd.ok());
  EXPECT_EQ(even->at(0), odd->at(0));
}

TEST_F(WorkerBundle, AnotherKindThanTheManifestSaysIsRefused) {
  const auto runner = open_bundle(folder_.path() / "ingest", "report", *engine_);
  ASSERT_FALSE(runner.ok());
  EXPECT_THAT(runner.error().message, HasSubstr("manifest"));
}

TEST_F(WorkerBundle, BrokenManifestsAreErrors) {
  const fs::path bundle = folder_.path() / "ingest";
  for (
      const char* text :
      {"", "{", "[]", "{\"kind\": 3}",
       R"({"kind":"ingest","partition":"p","plan":"q","inputs":[],"outputs":[],"memory_bytes":0})",
       R"({"kind":"ingest","partition":"p","plan":"q","inputs":[{"name":"a","type":"float32","shape":[-1]}],"outputs":[],"memory_bytes":0})",
       R"({"kind":"ingest","partition":"p","plan":"q","inputs":[{"name":"a","type":"float32","shape":[1099511627776,1099511627776]}],"outputs":[],"memory_bytes":0})"}) {
    ASSERT_TRUE(write_file(bundle / "manifest.json", std::string_view(text)).ok());
    EXPECT_FALSE(open_bundle(bundle, "ingest", *engine_).ok()) << text;
  }
}

TEST_F(WorkerBundle, ABadPreprocessFileIsRefusedWhenWritten) {
  const auto status = manager::write_bundle(graph_, plan_, plan_.partitions.front(),
                                            {"", "colour: mauve\n"}, folder_.path() / "bad");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("preprocess.yaml"));
}

TEST_F(WorkerBundle, WithoutLabelsTheReportCounts) {
  const auto& report = plan_.partitions.back();
  const fs::path bundle = folder_.path() / "unlabelled";
  ASSERT_TRUE(manager::write_bundle(graph_, plan_, report, {}, bundle).ok());
  EXPECT_FALSE(fs::exists(bundle / "labels.txt"));
  auto runner = open_bundle(bundle, "report", *engine_);
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  const std::string scores(static_cast<std::size_t>(report.inputs[0].bytes()), '\0');
  EXPECT_TRUE((*runner)->run({Blob::copy_of(scores)}).ok());
}

// ---- the cache ----------------------------------------------------------------------------------

protocol::FileRef put(const fs::path& cache, const std::string& name, const std::string& content) {
  const protocol::FileRef file{name, content.size(), digest_of(content)};
  EXPECT_TRUE(write_file(cache / "files" / file.digest.hex(), content).ok());
  return file;
}

bool is_there(const fs::path& cache, const protocol::FileRef& file) {
  return fs::exists(cache / "files" / file.digest.hex());
}

TEST(WorkerCache, ABundleHasItsFilesUnderTheirNames) {
  const TemporaryFolder folder;
  BundleCache cache(folder.path(), 100);
  ASSERT_TRUE(cache.open().ok());
  const auto file = put(folder.path(), "weights.bin", "content");
  const auto bundle = cache.make_bundle(3, {file});
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(read_file(*bundle / "weights.bin", 100)->text(), "content");
  BundleCache::remove_bundle(*bundle);
  EXPECT_FALSE(fs::exists(*bundle));
  EXPECT_TRUE(is_there(folder.path(), file));
}

TEST(WorkerCache, ARottenFileIsDeletedAndSaid) {
  const TemporaryFolder folder;
  BundleCache cache(folder.path(), 100);
  ASSERT_TRUE(cache.open().ok());
  const auto file = put(folder.path(), "weights.bin", "content");
  std::ofstream(folder.path() / "files" / file.digest.hex()) << "cOntent";
  const auto bundle = cache.make_bundle(3, {file});
  ASSERT_FALSE(bundle.ok());
  EXPECT_EQ(bundle.error().kind, ErrorKind::corrupt);
  EXPECT_FALSE(is_there(folder.path(), file));
}

TEST(WorkerCache, TheLeastRecentlyUsedGoFirstAndAssignedOnesNever) {
  const TemporaryFolder folder;
  BundleCache cache(folder.path(), 25);
  ASSERT_TRUE(cache.open().ok());
  std::vector<protocol::FileRef> files;
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(100);
  for (int i = 0; i < 4; ++i) {
    files.push_back(put(folder.path(), "f", std::string(10, static_cast<char>('a' + i))));
    fs::last_write_time(folder.path() / "files" / files.back().digest.hex(),
                        long_ago + std::chrono::hours(i));
  }
  EXPECT_TRUE(cache.keep({files[0]}));  // the oldest, but assigned
  EXPECT_TRUE(is_there(folder.path(), files[0]));
  EXPECT_FALSE(is_there(folder.path(), files[1]));
  EXPECT_FALSE(is_there(folder.path(), files[2]));
  EXPECT_TRUE(is_there(folder.path(), files[3]));
  EXPECT_FALSE(cache.keep({files[0], {"g", 100, digest_of("large")}})) << "above the bound alone";
  EXPECT_TRUE(is_there(folder.path(), files[0]));
}

// Its own limit is far away, but the disk is full.
TEST(WorkerCache, WhatIsNotNeededMakesRoomOnAFullDisk) {
  const TemporaryFolder folder;
  constexpr std::uint64_t kAll = std::uint64_t{1} << 60U;  // no disk has so much free
  BundleCache cache(folder.path(), kAll, kAll);
  ASSERT_TRUE(cache.open().ok());
  const auto needed = put(folder.path(), "f", "needed");
  const auto old = put(folder.path(), "f", "of an old model");
  EXPECT_TRUE(cache.keep({needed}));
  EXPECT_TRUE(is_there(folder.path(), old)) << "all that is needed is here";
  EXPECT_TRUE(cache.keep({needed, {"g", 100, digest_of("to be fetched")}}));
  EXPECT_TRUE(is_there(folder.path(), needed));
  EXPECT_FALSE(is_there(folder.path(), old));
}

TEST(WorkerCache, LeftoversOfAKilledProcessGoAtTheStart) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "open" / "7");
  fs::create_directories(folder.path() / "files");
  const auto kept = put(folder.path(), "f", "kept");
  std::ofstream(folder.path() / "files" / (digest_of("x").hex() + ".part")) << "half";
  BundleCache cache(folder.path(), 100);
  ASSERT_TRUE(cache.open().ok());
  EXPECT_TRUE(fs::is_empty(folder.path() / "open"));
  EXPECT_TRUE(is_there(folder.path(), kept));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path() / "files"), {}), 1);
}

}  // namespace
}  // namespace hyps::worker::testing
