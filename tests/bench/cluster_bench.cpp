// VGG16 through a real cluster (broker, hub, manager, four workers; four V-partitions, fc6 in 4 and
// in 50 H-partitions) against the whole model in this process on the same cores, alternately.
#include "common/cnn/npy.hpp"
#include "common/engine/engine.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"

namespace {

using namespace hyps;

int measure(const bench::Options& options) {
  const cnn::Graph graph = bench::zoo_model("vgg16");
  const TemporaryFolder folder("hyps-bench-model");
  const bench::Cluster cluster({"--workers", "4", "--memory", "256M", "--threads", "0"});
  const auto file = bench::save_model(graph, folder.path());
  bench::Client client(cluster.port());
  const auto whole = engine::make_onednn_engine(0)->compile(graph);
  if (!whole.ok()) bench::fail(whole.error().message);

  const std::vector inputs{bench::random_input({1, 3, 224, 224})};
  const Blob payload = Blob::of(cnn::to_npy(inputs[0]));
  const auto run_whole = [&] {
    if (!(*whole)->run(inputs).ok()) bench::fail("the whole model fails");
  };
  bench::Report report("cluster", options);
  for (const auto& [slices, aim] : {std::pair{4, 1.10}, std::pair{50, 1.25}}) {
    cluster.deploy(file, "vgg16",
                   {"--cut-after", "pool2,pool4", "--slices", fmt::format("fc6={}", slices)});
    const auto ms =
        bench::alternate(options.rounds, {[&] { (void)client.ask("vgg16", payload); }, run_whole});
    report.add({.name = fmt::format("vgg16, 4 V-partitions, fc6 in {} H-partitions", slices),
                .unit = "ms",
                .a = {"cluster", ms[0]},
                .b = bench::Side{"whole, one process", ms[1]},
                .aim = bench::ratio_at_most(aim)});
  }
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"VGG16 through a cluster over the whole model in one process"};
  bench::Options options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(options); });
}
