// The whole worker on an in-memory bus: fetches a bundle, computes, streams the result.
#include "services/worker/shell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <thread>

#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"
#include "services/manager/bundle.hpp"
#include "services/worker/memory_limit.hpp"
#include "services/worker/options.hpp"
#include "tests/unit/worker/fake_hub.hpp"
#include "tests/unit/worker/small_graph.hpp"

namespace hyps::worker::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::uint64_t kIncarnation = 5;

class WorkerShell : public ::testing::Test {
 protected:
  void SetUp() override {
    partition::Request request;
    request.model_name = "small";
    request.threshold.value = 1 << 20U;
    auto plan = partition::make_plan(graph_, request);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    plan_ = *plan;
    start();
  }
  void TearDown() override { stop(); }

  void start() { start(engine::make_reference_engine(), 1); }
  // Waits long for more of a batch, unless it is full.
  void start(std::unique_ptr<engine::Engine> engine, std::uint32_t max_batch) {
    ShellOptions options;
    options.core.info.max_batch = max_batch;
    options.core.batch_wait = Milliseconds(max_batch > 1 ? 1000 : 0);
    options.core.info.id = WorkerId("w1");
    options.core.info.incarnation = kIncarnation;
    options.core.info.memory_bytes = 1U << 30U;
    options.cache_folder = folder_.path() / "cache";
    options.cache_bytes = 1U << 30U;
    shell_ = std::make_unique<Shell>(
        options,
        bus::make_memory_bus(broker_, "w1", protocol::status_topic("worker", "w1"), "offline"),
        bus::make_memory_pulse(broker_), std::move(engine));
    stopped_ = false;
    thread_ = std::thread([this] { EXPECT_TRUE(shell_->run(stopped_).ok()); });
    hello_ = hub_.greet<protocol::Hello>();
    ASSERT_TRUE(hello_.has_value());
  }
  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
    shell_.reset();
  }
  const partition::Partition& middle() { return plan_.partitions.at(1); }
  protocol::TaskKey task(const partition::Partition& part, const std::string& job = "job1") {
    return {JobId(job), plan_.id(), part.name};
  }
  // Its bundle in the hub, and the assignment of it.
  protocol::AssignedPartition assignment(const partition::Partition& part) {
    const fs::path bundle = folder_.path() / part.name.text;
    EXPECT_TRUE(manager::write_bundle(graph_, plan_, part, {}, bundle).ok());
    protocol::AssignedPartition assigned{plan_.id(), part.name, partition::to_string(part.kind),
                                         1000,       {},        1};
    for (const auto& entry : fs::directory_iterator(bundle)) {
      assigned.files.push_back(hub_.add_file(entry.path()));
    }
    return assigned;
  }
  void run(const partition::Partition& part, const Blob& input, const std::string& job = "job1") {
    hub_.send(protocol::Run{
        task(part, job), 1, {{part.inputs[0].name, input.size(), digest_of(input.bytes())}}});
    hub_.send_tensor(task(part, job), 1, part.inputs[0].name, input);
  }
  // It knows how long one takes: from now on it tries what several gain.
  void run_two_alone() {
    for (const std::string job : {"alone1", "alone2"}) {
      run(middle(), random_input(9).data, job);
      const auto done = hub_.next<protocol::TaskDone>();
      ASSERT_TRUE(done && done->task.job.text == job);
    }
  }

  TemporaryFolder folder_;
  cnn::Graph graph_ = small_graph();
  partition::Plan plan_;
  std::shared_ptr<bus::MemoryBroker> broker_ = bus::make_memory_broker();
  hyps::testing::FakeHub hub_{broker_, {protocol::Role::worker, "w1"}};
  std::unique_ptr<Shell> shell_;
  std::optional<protocol::Hello> hello_;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

TEST_F(WorkerShell, SaysHelloThenFetchesComputesAndSendsTheRightResult) {
  EXPECT_EQ(hello_->info.id.text, "w1");
  EXPECT_EQ(hello_->info.incarnation, kIncarnation);
  hub_.send(protocol::Assign{kIncarnation, {assignment(middle())}});
  const cnn::Tensor input = random_input(4);
  run(middle(), input.data);
  const auto done = hub_.next<protocol::TaskDone>();
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->task, task(middle()));
  const auto arrival = hub_.next_tensor();
  ASSERT_TRUE(arrival.has_value());
  EXPECT_EQ(arrival->data, cnn::run_reference(graph_, {input})->at(0).data);
  ASSERT_EQ(done->outputs.size(), 1U);
  EXPECT_EQ(done->outputs[0].digest, digest_of(arrival->data.bytes()));
  hub_.send(protocol::Stored{task(middle())});
  for (;;) {
    const auto beat = hub_.next<protocol::Heartbeat>();
    ASSERT_TRUE(beat.has_value());
    if (beat->tasks.empty() && beat->loaded.size() == 1) break;
  }
}

TEST_F(WorkerShell, ABatchHasTheBitsOfSingleRuns) {
  std::vector<cnn::Tensor> inputs;
  for (std::uint64_t i = 0; i < 4; ++i) inputs.push_back(random_input(i));
  const auto engine = engine::make_onednn_engine(1);
  const auto alone = engine->compile(graph_);
  ASSERT_TRUE(alone.ok());
  stop();
  start(engine::make_onednn_engine(2), 4);
  hub_.send(protocol::Assign{kIncarnation, {assignment(middle())}});
  for (std::size_t i = 0; i < 4; ++i) run(middle(), inputs[i].data, "job" + std::to_string(i));
  std::map<std::string, Digest> digests;
  while (digests.size() < 4) {
    const auto done = hub_.next<protocol::TaskDone>();
    ASSERT_TRUE(done.has_value());
    digests[done->task.job.text] = done->outputs.at(0).digest;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const auto expected = (*alone)->run({inputs[i]});
    ASSERT_TRUE(expected.ok());
    EXPECT_EQ(digests.at("job" + std::to_string(i)), digest_of((*expected)[0].data.bytes()));
  }
}

TEST_F(WorkerShell, OneOfABatchThatIsToBlameFailsAlone) {
  stop();
  start(engine::make_onednn_engine(1), 2);
  hub_.send(protocol::Assign{kIncarnation, {assignment(middle())}});
  run_two_alone();
  run(middle(), random_input(1).data, "good");
  run(middle(), Blob::copy_of("of another size"), "bad");
  const auto done = hub_.next<protocol::TaskDone>();
  const auto failed = hub_.next<protocol::TaskFailed>();
  ASSERT_TRUE(done && failed);
  EXPECT_EQ(done->task.job.text, "good");
  EXPECT_EQ(failed->task.job.text, "bad");
  EXPECT_TRUE(failed->permanent);
}

TEST_F(WorkerShell, AWaitForMoreOfABatchEnds) {
  stop();
  start(engine::make_onednn_engine(1), 3);
  hub_.send(protocol::Assign{kIncarnation, {assignment(middle())}});
  run_two_alone();
  run(middle(), random_input(1).data, "only");
  EXPECT_TRUE(hub_.next<protocol::TaskDone>().has_value());
}

TEST_F(WorkerShell, AnImageThatIsNoneFailsForGood) {
  const auto& ingest = plan_.partitions.front();
  hub_.send(protocol::Assign{kIncarnation, {assignment(ingest)}});
  run(ingest, Blob::copy_of("this is no image"));
  const auto failed = hub_.next<protocol::TaskFailed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_TRUE(failed->permanent);
  EXPECT_FALSE(failed->message.empty());
}

TEST_F(WorkerShell, AFileTheHubDoesNotHaveIsSaid) {
  auto assigned = assignment(middle());
  assigned.files.push_back({"more.bin", 5, digest_of("never stored")});
  hub_.send(protocol::Assign{kIncarnation, {assigned}});
  for (;;) {
    const auto beat = hub_.next<protocol::Heartbeat>();
    ASSERT_TRUE(beat.has_value());
    if (beat->problem.empty()) continue;
    EXPECT_THAT(beat->problem, HasSubstr("cannot be fetched"));
    break;
  }
}

TEST_F(WorkerShell, ABundleThatIsBrokenIsSaid) {
  auto assigned = assignment(middle());
  assigned.kind = "report";
  hub_.send(protocol::Assign{kIncarnation, {assigned}});
  for (;;) {
    const auto beat = hub_.next<protocol::Heartbeat>();
    ASSERT_TRUE(beat.has_value());
    if (beat->problem.empty()) continue;
    EXPECT_THAT(beat->problem, HasSubstr("cannot be loaded"));
    break;
  }
}

TEST_F(WorkerShell, RubbishOnItsInboxDoesNoHarm) {
  auto stranger = bus::make_memory_bus(broker_, "stranger");
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    std::string rubbish(random.below(200), '\0');
    for (char& byte : rubbish) byte = static_cast<char>(random.below(256));
    ASSERT_TRUE(stranger->publish({.topic = "hyps/w/w1/in", .payload = Blob::of(rubbish)}).ok());
  }
  hub_.send(protocol::Hello{});
  hub_.send(protocol::Assign{kIncarnation, {assignment(middle())}});
  run(middle(), random_input(4).data);
  EXPECT_TRUE(hub_.next<protocol::TaskDone>().has_value());
}

TEST_F(WorkerShell, AfterARestartItsBundleIsStillInTheCache) {
  const auto assigned = assignment(middle());
  hub_.send(protocol::Assign{kIncarnation, {assigned}});
  run(middle(), random_input(4).data);
  ASSERT_TRUE(hub_.next<protocol::TaskDone>().has_value());
  stop();
  for (const protocol::FileRef& file : assigned.files) {
    EXPECT_EQ(fs::file_size(folder_.path() / "cache" / "files" / file.digest.hex()), file.bytes);
  }
  EXPECT_TRUE(fs::is_empty(folder_.path() / "cache" / "open"));
  start();
  hub_.send(protocol::Assign{kIncarnation, {assigned}});
  run(middle(), random_input(5).data);
  EXPECT_TRUE(hub_.next<protocol::TaskDone>().has_value());
}

// ---- configuration ------------------------------------------------------------------------------

TEST(WorkerOptions, TheSampleLoadsAndWhatIsLeftOutIsFoundOut) {
  Options options;
  runtime::Schema schema;
  declare(schema, options);
  ASSERT_TRUE(schema.load_yaml(schema.sample(), "sample").ok());
  ASSERT_TRUE(complete(options).ok());
  EXPECT_FALSE(options.id.empty());
  EXPECT_GT(options.memory, 0);
  EXPECT_EQ(options.buffers, options.memory / 4);
  EXPECT_FALSE(options.cache_dir.empty());
}

TEST(WorkerOptions, MemoryTooSmallToWorkWithRefusesToStart) {
  Options options;
  options.memory = 1000;
  const auto small = complete(options);
  ASSERT_FALSE(small.ok());
  EXPECT_THAT(small.error().message, HasSubstr("give the worker 1.0 MB at least"));
  options.memory = 4 << 20;
  options.buffers = 3 << 20;
  const auto divided = complete(options);
  ASSERT_FALSE(divided.ok());
  EXPECT_THAT(divided.error().message, HasSubstr("more than half"));
}

TEST(WorkerOptions, ANameThatIsNoneRefusesToStart) {
  Options options;
  options.id = "my worker/1";
  const auto status = complete(options);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("my worker/1"));
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(WorkerMemory, TheLeastOfMachineAndControlGroupsCounts) {
  const TemporaryFolder root;
  write(root.path() / "proc/meminfo", "MemTotal:  8000000 kB\nMemFree: 1 kB\n");
  EXPECT_EQ(memory_limit_bytes(root.path()), 8'000'000LL * 1024);
  write(root.path() / "proc/self/cgroup", "4:cpu:/x\n3:memory:/a/b\n0::/c/d\n");
  write(root.path() / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write(root.path() / "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "5000000\n");
  EXPECT_EQ(memory_limit_bytes(root.path()), 5'000'000);
  write(root.path() / "sys/fs/cgroup/c/d/memory.max", "max\n");
  EXPECT_EQ(memory_limit_bytes(root.path()), 5'000'000);
  write(root.path() / "sys/fs/cgroup/c/memory.max", "4000000\n");
  EXPECT_EQ(memory_limit_bytes(root.path()), 4'000'000);
}

}  // namespace
}  // namespace hyps::worker::testing
