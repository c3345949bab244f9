// VGG16 through a real cluster (broker, hub, manager, four workers; four V-partitions, fc6 in 4 and
// in 50 H-partitions) against the whole model in this process on the same cores, alternately; then
// some jobs more, of which the timeline says where the time goes.
#include "common/cnn/npy.hpp"
#include "common/engine/engine.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/job_times.hpp"

namespace {

using namespace hyps;

constexpr int kProfiled = 10;  // jobs

// Where the time goes: of each stage from its inputs' being stored to its outputs' being stored,
// beside what of it is computing; and what is left of the time that the client waits.
void profile(const bench::Cluster& cluster, bench::Client& client, const Blob& payload,
             const std::string& name, bench::Report& report) {
  using Clock = std::chrono::steady_clock;
  const partition::Plan plan = bench::plan_of(cluster, "vgg16");
  std::vector<std::string> stages;  // in their order; the slices of a layer are one
  std::map<std::string, std::pair<bench::Samples, bench::Samples>> took;
  const auto add = [&](const std::string& stage, double whole, double computed) {
    if (!took.contains(stage)) stages.push_back(stage);
    took[stage].first.push_back(whole);
    took[stage].second.push_back(computed);
  };
  for (int i = 0; i < kProfiled; ++i) {
    const auto begin = Clock::now();
    const auto answer = client.ask("vgg16", payload);
    double left = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    const bench::JobTimes times = bench::times_of(cluster, answer, plan);
    std::string sliced;
    for (const auto& part : plan.partitions) {
      const bench::PartTimes& own = times.parts.at(part.name.text);
      if (part.kind != partition::Kind::horizontal) {
        add(part.name.text, own.waited, own.computed);
        left -= own.waited;
      } else if (sliced != part.layers.front()) {
        sliced = part.layers.front();
        const auto stage = bench::stage_of(plan, times, sliced);
        add(sliced + ", all slices", stage.whole, stage.computed);
        left -= stage.whole;
      }
    }
    add("accepting, and syncing and telling the outcome", left, 0);
  }
  for (const std::string& stage : stages) {
    report.add({.name = name + ": " + stage,
                .unit = "ms",
                .a = {fmt::format("of which computing {:.1f} ms",
                                  bench::summary_of(took[stage].second).median),
                      took[stage].first}});
  }
}

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
    const auto name = fmt::format("vgg16, 4 V-partitions, fc6 in {} H-partitions", slices);
    report.add({.name = name,
                .unit = "ms",
                .a = {"cluster", ms[0]},
                .b = bench::Side{"whole, one process", ms[1]},
                .aim = bench::ratio_at_most(aim)});
    profile(cluster, client, payload, name, report);
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
