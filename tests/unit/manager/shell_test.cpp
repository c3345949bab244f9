// The whole manager on an in-memory bus: fetches a model, plans it, uploads bundles, sets the plan.
#include "services/manager/shell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"
#include "services/manager/options.hpp"
#include "tests/unit/manager/world.hpp"
#include "tests/unit/worker/fake_hub.hpp"
#include "tests/unit/worker/small_graph.hpp"

namespace hyps::manager::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ManagerShell : public ::testing::Test {
 protected:
  void SetUp() override {
    truth_.version = 1;
    truth_.workers = {worker("w1", 1U << 20U)};
  }
  void TearDown() override {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void start(std::uint64_t cache_bytes = 1U << 30U) {
    ShellOptions options;
    options.core.settle = Milliseconds(0);
    options.cache_folder = folder_.path() / "cache";
    options.cache_bytes = cache_bytes;
    shell_ = std::make_unique<Shell>(options, bus::make_memory_bus(broker_, "manager"));
    thread_ = std::thread([this] { shell_->run(stopped_); });
    EXPECT_TRUE(hub_.greet<protocol::ManagerHello>().has_value());
    hub_.show(truth_);
  }
  fs::path write_model() {
    const fs::path file = folder_.path() / "model.onnx";
    const Status saved = onnx::save(worker::testing::small_graph(), file);
    EXPECT_TRUE(saved.ok()) << saved.error().message;
    return file;
  }
  void deploy(const std::vector<fs::path>& files, const std::string& plan_json = "") {
    protocol::ModelRecord model;
    model.name = ModelName("small");
    model.state = "waiting";
    model.wanted_plan_json = plan_json;
    for (const fs::path& file : files) model.files.push_back(hub_.add_file(file));
    truth_.models = {model};
  }
  fs::path write_text(const std::string& name, const std::string& text) {
    EXPECT_TRUE(write_file(folder_.path() / name, text).ok());
    return folder_.path() / name;
  }
  std::vector<fs::path> model_files() {
    write_model();
    std::vector<fs::path> files{folder_.path() / "model.onnx"};
    if (fs::exists(folder_.path() / "weights.bin")) files.push_back(folder_.path() / "weights.bin");
    return files;
  }

  TemporaryFolder folder_;
  std::shared_ptr<bus::MemoryBroker> broker_ = bus::make_memory_broker();
  hyps::testing::FakeHub hub_{broker_, {protocol::Role::manager, "manager"}};
  protocol::Snapshot truth_;
  std::unique_ptr<Shell> shell_;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

TEST_F(ManagerShell, AModelGetsItsPlanAndEveryBundleIsInTheHub) {
  auto files = model_files();
  files.push_back(write_text("labels.txt", "cat\ndog\nbird\n"));
  deploy(files);
  start();
  const auto set = hub_.next<SetPlan>();
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(set->model.text, "small");
  EXPECT_EQ(set->model_files, truth_.models[0].files);
  const auto plan = partition::plan_from_json(set->plan_json);
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(set->bundles.size(), plan->partitions.size());
  for (const protocol::BundleRef& bundle : set->bundles) {
    EXPECT_NE(plan->find(bundle.partition), nullptr);
    for (const protocol::FileRef& file : bundle.files) {
      EXPECT_TRUE(hub_.files().contains(file.digest)) << bundle.partition.text << "/" << file.name;
      EXPECT_GT(file.bytes, 0U) << "the hub stores no empty files";
    }
  }
  protocol::ModelRecord& model = truth_.models[0];
  model.plan = plan->id();
  model.plan_json = set->plan_json;
  model.bundles = set->bundles;
  ++truth_.version;
  hub_.show(truth_);
  const auto routes = hub_.next<SetRoutes>();
  ASSERT_TRUE(routes.has_value());
  EXPECT_EQ(routes->routes.size(), plan->partitions.size());
  EXPECT_EQ(routes->problem, "");
}

TEST_F(ManagerShell, DamagedBundlesAreMadeAgainAsTheyWere) {
  auto files = model_files();
  files.push_back(write_text("labels.txt", "cat\ndog\nbird\n"));
  deploy(files);
  start();
  const auto first = hub_.next<SetPlan>();
  ASSERT_TRUE(first.has_value());
  protocol::ModelRecord& model = truth_.models[0];
  const auto plan = partition::plan_from_json(first->plan_json);
  ASSERT_TRUE(plan.ok());
  model.plan = plan->id();
  model.plan_json = first->plan_json;
  model.bundles = first->bundles;
  // Others than it was planned for; the plan stays nevertheless.
  truth_.workers = {worker("w8", 1U << 12U), worker("w9", 1U << 21U, false)};
  ++truth_.version;
  hub_.show(truth_);
  hub_.send(protocol::Damaged{{plan->id()}});
  const auto again = hub_.next<SetPlan>();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->plan_json, first->plan_json);
  ASSERT_EQ(again->bundles.size(), first->bundles.size());
  for (std::size_t i = 0; i < first->bundles.size(); ++i) {
    EXPECT_EQ(again->bundles[i].files, first->bundles[i].files) << "the same bytes";
  }
}

TEST_F(ManagerShell, NothingIsLeftInTheCacheAfterwards) {
  deploy(model_files());
  start();
  ASSERT_TRUE(hub_.next<SetPlan>().has_value());
  EXPECT_FALSE(fs::exists(folder_.path() / "cache" / "work"));
}

TEST_F(ManagerShell, AFileThatIsNoModelFailsForGood) {
  deploy({write_text("model.onnx", "this is no ONNX file")});
  start();
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_TRUE(failed->permanent);
  EXPECT_THAT(failed->problem, HasSubstr("model.onnx"));
}

TEST_F(ManagerShell, ABadPreprocessFileFailsForGood) {
  auto files = model_files();
  files.push_back(write_text("preprocess.yaml", "colour: mauve\n"));
  deploy(files);
  start();
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_TRUE(failed->permanent);
  EXPECT_THAT(failed->problem, HasSubstr("preprocess.yaml"));
}

TEST_F(ManagerShell, TooSmallWorkersMakeItWait) {
  truth_.workers = {worker("w1", 100)};
  deploy(model_files());
  start();
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_FALSE(failed->permanent);
  EXPECT_FALSE(failed->problem.empty());
  truth_.workers.push_back(worker("w2", 1U << 20U));
  ++truth_.version;
  hub_.show(truth_);
  EXPECT_TRUE(hub_.next<SetPlan>().has_value());
}

TEST_F(ManagerShell, NobodyInTheSafeZoneMakesItWait) {
  truth_.workers = {worker("w1", 1U << 20U, false)};
  deploy(model_files());
  start();
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_FALSE(failed->permanent);
  EXPECT_THAT(failed->problem, HasSubstr("safe"));
}

TEST_F(ManagerShell, APlanForAnotherModelFailsForGood) {
  deploy(model_files(), partition::to_json(chain("small", 2, 40)));
  start();
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_TRUE(failed->permanent);
  EXPECT_THAT(failed->problem, HasSubstr("another model"));
}

TEST_F(ManagerShell, APlanMadeByHandIsTaken) {
  auto graph = onnx::load(write_model());
  ASSERT_TRUE(graph.ok());
  partition::Request request;
  request.model_name = "small";
  request.threshold.value = 1 << 20U;
  request.slices = {{"fc", 3}};
  const auto plan = partition::make_plan(*graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  deploy(model_files(), partition::to_json(*plan));
  start();
  const auto set = hub_.next<SetPlan>();
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(set->plan_json, partition::to_json(*plan));
}

TEST_F(ManagerShell, AModelIsPlannedForTheInputsThatCameWithIt) {
  auto files = model_files();
  files.push_back(write_text("inputs.json", R"({"shapes": {"x": [1, 9, 9, 9]}, "constants": {}})"));
  deploy(files);
  start();
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_TRUE(failed->permanent);
  EXPECT_THAT(failed->problem, HasSubstr("cannot be made 1x9x9x9"));
}

TEST_F(ManagerShell, AModelBeyondTheCacheFailsSayingSo) {
  deploy(model_files());
  start(100);
  const auto failed = hub_.next<protocol::ModelFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_THAT(failed->problem, HasSubstr("cache_bytes"));
}

TEST_F(ManagerShell, RubbishOnItsInboxDoesNoHarm) {
  deploy(model_files());
  auto stranger = bus::make_memory_bus(broker_, "stranger");
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    std::string rubbish(random.below(200), '\0');
    for (char& byte : rubbish) byte = static_cast<char>(random.below(256));
    ASSERT_TRUE(
        stranger->publish({.topic = "hyps/m/manager/in", .payload = Blob::of(rubbish)}).ok());
  }
  start();
  EXPECT_TRUE(hub_.next<SetPlan>().has_value());
}

TEST(ManagerOptions, TheSampleLoads) {
  Options options;
  runtime::Schema schema;
  declare(schema, options);
  ASSERT_TRUE(schema.load_yaml(schema.sample(), "sample").ok());
  EXPECT_TRUE(complete(options).ok());
  EXPECT_FALSE(options.cache_dir.empty());
}

}  // namespace
}  // namespace hyps::manager::testing
