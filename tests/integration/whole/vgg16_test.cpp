// VGG16, 528 MB of weights, on workers of 256 MB.
#include "bits.hpp"
#include "peak.hpp"
#include "tests/chaos/scenarios/control_group.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::test {
namespace {

constexpr int kDeploy_ms = 600'000;

class Vgg16 : public testing::TestWithParam<int> {};

TEST_P(Vgg16, RunsOnWorkersThatCouldNotHoldItsLargestLayer) {
  Cluster cluster(workers(GetParam(), "256M"));
  cluster.start_all();
  Client client(cluster.port());
  ASSERT_TRUE(client.wait_workers_online(GetParam()));
  const auto onnx = cluster.folder() / "vgg16.onnx";
  const Outcome made = cluster.hyps({"make-model", "vgg16", "-o", onnx.string()}, kDeploy_ms);
  ASSERT_EQ(made.code, 0) << made.errors;
  const Outcome deployed = cluster.hyps({"deploy", onnx.string(), "--timeout", "600"}, kDeploy_ms);
  ASSERT_EQ(deployed.code, 0) << deployed.errors;
  std::int64_t slices = 0;
  const json reply = client.query("partitions");
  for (const json& row : reply.at("partitions")) {
    EXPECT_LE(row.at("memory_bytes").get<std::int64_t>(), std::int64_t{256} << 20);
    slices += row.at("kind") == "horizontal" ? 1 : 0;
  }
  EXPECT_GE(slices, 2) << "fc6 alone has 392 MB";

  const auto image = test::source_dir() / "models/images/star.jpg";
  client.ask("vgg16", "one", Blob::of(text_of(image)));
  ASSERT_TRUE(client.wait_answered(300'000)) << cluster.log("hub");
  const json& answer = client.answer_of("one");
  ASSERT_EQ(answer.value("state", ""), "done") << answer;
  const json shown = client.query("workers");
  for (const json& worker : shown.at("workers")) {
    EXPECT_LE(worker.at("resident_bytes").get<std::int64_t>(), std::int64_t{256} << 20) << worker;
  }
  const auto bundles = write_bundles(cluster, client, "vgg16", onnx);
  EXPECT_EQ(run_in_one_process(cluster, bundles, image, 2).at("outputs"), answer.at("outputs"));
}

std::string story_of(Cluster& cluster, const std::string& worker) {
  std::string story = cluster.running(worker) ? "" : worker + " is gone: killed for its memory?\n";
  story += cluster.log(worker) + cluster.log("hub");
  return story + cluster.hyps({"get", "tasks"}).output;
}

// A tenth of its weights: they stream. What a container of 64 MB without swap gives it.
TEST(Vgg16InLittleMemory, RunsOnOneWorkerIn64MB) {
  ControlGroup group("memory");
  if (!group.is_usable()) GTEST_SKIP() << "no control groups (v1, memory) to make here";
  ASSERT_TRUE(group.set("memory.limit_in_bytes", "64M"));
  (void)group.set("memory.memsw.limit_in_bytes", "64M");  // absent without swap
  Cluster cluster;
  cluster.add_worker({"w1", "0"});
  cluster.run_under(
      "w1", {"sh", "-c", "echo $$ > " + group.members_file().string() + " && exec \"$@\"", "sh"});
  cluster.start_all();
  Client client(cluster.port());
  ASSERT_TRUE(client.wait_workers_online(1));
  const auto onnx = cluster.folder() / "vgg16.onnx";
  const Outcome made = cluster.hyps({"make-model", "vgg16", "-o", onnx.string()}, kDeploy_ms);
  ASSERT_EQ(made.code, 0) << made.errors;
  const Outcome deployed = cluster.hyps({"deploy", onnx.string(), "--timeout", "600"}, kDeploy_ms);
  ASSERT_EQ(deployed.code, 0) << deployed.errors;
  const auto image = test::source_dir() / "models/images/star.jpg";
  for (const char* job : {"one", "two"}) {
    client.ask("vgg16", job, Blob::of(text_of(image)));
    ASSERT_TRUE(client.wait_answered(300'000)) << story_of(cluster, "w1");
    ASSERT_EQ(client.answer_of(job).value("state", ""), "done") << client.answer_of(job);
  }
  EXPECT_TRUE(cluster.running("w1")) << "it was killed for its memory";
  EXPECT_LE(peak_resident_mb(cluster.pid("w1")), 64);
  const auto bundles = write_bundles(cluster, client, "vgg16", onnx);
  const json local = run_in_one_process(cluster, bundles, image, 2);
  for (const char* job : {"one", "two"}) {
    EXPECT_EQ(local.at("outputs"), client.answer_of(job).at("outputs"));
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, Vgg16, testing::Values(4, 1));

}  // namespace
}  // namespace hyps::test
