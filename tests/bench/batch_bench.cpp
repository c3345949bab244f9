// Batches against single images: VGG16's classifier (124 M parameters, limited by reading them) and
// the whole VGG16 in one process; the classifier on a cluster, whose workers take what waits.
#include <set>

#include "common/cnn/npy.hpp"
#include "common/engine/engine.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"

namespace {

using namespace hyps;
using Clock = std::chrono::steady_clock;

struct Settings {
  bench::Options common;
  std::vector<int> batches{1, 2, 4, 8, 16};
  std::vector<int> workers{1, 3};
  bool whole = true;
};

// fc6, fc7 and fc8 of the network, and nothing before them.
cnn::Graph classifier_of(cnn::Graph graph) {
  const auto begin = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                  [](const auto& node) { return node.op == "Flatten"; });
  const std::string input = begin->outputs[0];
  graph.nodes.erase(graph.nodes.begin(), begin + 1);
  graph.inputs = {{input, cnn::DType::f32, graph.value(input).shape}};
  std::set<std::string> used;
  for (const auto& node : graph.nodes) used.insert(node.inputs.begin(), node.inputs.end());
  std::erase_if(graph.weights, [&](const auto& weight) { return !used.contains(weight.first); });
  graph.values.clear();
  graph.name = "classifier";
  if (const auto inferred = cnn::infer_shapes(graph); !inferred.ok()) {
    bench::fail(inferred.error().message);
  }
  return graph;
}

void in_one_process(const cnn::Graph& graph, const Settings& settings, bench::Report& report) {
  const auto compiled = engine::make_onednn_engine(0)->compile(graph);
  if (!compiled.ok()) bench::fail(compiled.error().message);
  engine::Executable& executable = **compiled;
  const std::vector inputs{bench::random_input(graph.inputs[0].shape)};
  for (const int images : settings.batches) {
    const std::vector batch(static_cast<std::size_t>(images), inputs);
    auto ms = bench::alternate(
        settings.common.rounds,
        {[&] { return bench::time_ms([&] { (void)executable.run_many(batch); }) / images; },
         [&] { return bench::time_ms([&] { (void)executable.run(inputs); }); }});
    report.add({.name = fmt::format("{}, one process, batch of {}", graph.name, images),
                .unit = "ms",
                .a = {"an image of the batch", std::move(ms[0])},
                .b = bench::Side{"one alone", std::move(ms[1])}});
  }
}

// Images a second of a cluster that has so many of them on their way.
double throughput(bench::Client& client, const Blob& payload, int ahead, int images) {
  for (int i = 0; i < ahead; ++i) client.send("classifier", payload);
  const auto wait = [&] {
    if (!client.next(Clock::now() + std::chrono::seconds(120))) bench::fail("no answer in 120 s");
  };
  for (int i = 0; i < ahead; ++i) {
    wait();
    client.send("classifier", payload);
  }
  const auto begin = Clock::now();
  for (int i = 0; i < images; ++i) {
    wait();
    client.send("classifier", payload);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  for (int i = 0; i < ahead; ++i) wait();
  return images / seconds;
}

std::unique_ptr<bench::Cluster> cluster_with(int workers, int max_batch, const cnn::Graph& graph) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before the client's threads
  ::setenv("HYPS_MAX_BATCH", std::to_string(max_batch).c_str(), 1);
  auto cluster = std::make_unique<bench::Cluster>(std::vector<std::string>{
      "--workers", std::to_string(workers), "--memory", "1G", "--threads", "1"});
  cluster->deploy(bench::save_model(graph, cluster->folder()), "classifier",
                  {"--objective", "throughput"});
  return cluster;
}

void on_a_cluster(int workers, const cnn::Graph& graph, const Settings& settings,
                  bench::Report& report) {
  const Blob payload = Blob::of(cnn::to_npy(bench::random_input(graph.inputs[0].shape)));
  const auto single = cluster_with(workers, 1, graph);
  bench::Client single_client(single->port());
  for (const int images : settings.batches) {
    const auto batching = cluster_with(workers, images, graph);
    bench::Client client(batching->port());
    const int ahead = 3 * images * workers;
    const int counted = 20 + 4 * images;
    auto rates =
        bench::alternate(settings.common.rounds,
                         {[&] { return throughput(client, payload, ahead, counted); },
                          [&] { return throughput(single_client, payload, 3 * workers, 20); }});
    report.add(
        {.name = fmt::format("{}, {} worker(s), batches of up to {}", graph.name, workers, images),
         .unit = "/s",
         .a = {"with batches", std::move(rates[0])},
         .b = bench::Side{"one by one", std::move(rates[1])}});
  }
}

int measure(const Settings& settings) {
  const cnn::Graph whole = bench::zoo_model("vgg16");
  const cnn::Graph classifier = classifier_of(whole);
  bench::Report report("batch", settings.common);
  in_one_process(classifier, settings, report);
  if (settings.whole) in_one_process(whole, settings, report);
  for (const int workers : settings.workers) on_a_cluster(workers, classifier, settings, report);
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Batches against single images"};
  Settings settings;
  settings.common.add_to(app);
  app.add_option("--batches", settings.batches, "How many images")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "Of the clusters")
      ->delimiter(',')
      ->capture_default_str();
  app.add_flag("!--no-whole", settings.whole, "Without the whole VGG16");
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(settings); });
}
