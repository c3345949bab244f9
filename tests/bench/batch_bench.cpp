// Batches against single images: VGG16's classifier (124 M parameters, limited by reading them) in
// one process, and on clusters that are sent some images at a time, as `hyps infer --batch` does,
// or a stream of them: workers compute in one go what waits, and learn how much of it is best.
#include <set>

#include "common/cnn/npy.hpp"
#include "common/engine/engine.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"

namespace {

using namespace hyps;
using Clock = std::chrono::steady_clock;

constexpr int kImages = 16;  // of each measurement, and of the largest batches

struct Settings {
  bench::Options common;
  std::vector<int> batches{1, 2, 4, 8, 16};
  std::vector<int> workers{1, 3};
  bool whole = false;
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

// A cluster with the classifier, whose workers compute up to so many tasks in one go.
class Classifier {
 public:
  Classifier(int workers, int max_batch, const cnn::Graph& graph)
      : payload_(Blob::of(cnn::to_npy(bench::random_input(graph.inputs[0].shape)))),
        cluster_(options(workers, max_batch)) {
    cluster_.deploy(bench::save_model(graph, cluster_.folder()), kName,
                    {"--objective", "throughput"});
    client_ = std::make_unique<bench::Client>(cluster_.port());
    for (int i = 0; i < 4; ++i) (void)throughput(kImages);  // it learns what gains
  }

  // Images a second, when so many are sent at a time and all their answers awaited.
  double throughput(int at_a_time) {
    const auto begin = Clock::now();
    for (int done = 0; done < kImages; done += at_a_time) {
      for (int i = 0; i < at_a_time; ++i) client_->send(kName, payload_);
      for (int i = 0; i < at_a_time; ++i) wait_for_answer();
    }
    return kImages / std::chrono::duration<double>(Clock::now() - begin).count();
  }
  // The same, when there are always so many on their way.
  double throughput_of_stream(int ahead) {
    for (int i = 0; i < ahead; ++i) client_->send(kName, payload_);
    const auto begin = Clock::now();
    for (int i = 0; i < kImages; ++i) {
      wait_for_answer();
      client_->send(kName, payload_);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    for (int i = 0; i < ahead; ++i) wait_for_answer();
    return kImages / seconds;
  }

 private:
  static constexpr const char* kName = "classifier";

  static std::vector<std::string> options(int workers, int max_batch) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before the client's threads
    ::setenv("HYPS_MAX_BATCH", std::to_string(max_batch).c_str(), 1);
    return {"--workers", std::to_string(workers), "--memory", "1G", "--threads", "1"};
  }
  void wait_for_answer() {
    const auto seen = client_->next(Clock::now() + std::chrono::seconds(120));
    if (!seen) bench::fail("no answer in 120 s");
    const auto answer = nlohmann::json::parse(seen->message.payload.text(), nullptr, false);
    if (answer.is_discarded() || answer.value("state", "") != "done") {
      bench::fail("a job failed: " + std::string(seen->message.payload.text()));
    }
  }

  const Blob payload_;
  bench::Cluster cluster_;
  std::unique_ptr<bench::Client> client_;
};

double median(const bench::Samples& samples) { return bench::summary_of(samples).median; }

std::string label_of(int workers) {
  return fmt::format("{} worker{}", workers, workers == 1 ? "" : "s");
}

// Adds the lines of these workers to the plot.
void on_a_cluster(int workers, const cnn::Graph& graph, const Settings& settings,
                  bench::Report& report, nlohmann::json& plot) {
  Classifier batching(workers, kImages, graph);
  Classifier single(workers, 1, graph);
  nlohmann::json with = nlohmann::json::array();
  nlohmann::json without = nlohmann::json::array();
  const auto add = [&](const std::string& how, std::vector<bench::Samples> rates) {
    with.push_back(median(rates[0]));
    without.push_back(median(rates[1]));
    report.add({.name = fmt::format("{}, {}, {}", graph.name, label_of(workers), how),
                .unit = "/s",
                .a = {"computed in batches", std::move(rates[0])},
                .b = bench::Side{"one by one", std::move(rates[1])}});
  };
  for (const int images : settings.batches) {
    add(fmt::format("{} at a time", images),
        bench::alternate(settings.common.rounds, {[&] { return batching.throughput(images); },
                                                  [&] { return single.throughput(images); }}));
  }
  plot["series"].push_back({{"name", label_of(workers) + ", in batches"}, {"values", with}});
  plot["series"].push_back({{"name", label_of(workers) + ", one by one"}, {"values", without}});
  const int ahead = 2 * kImages * workers;
  add(fmt::format("a stream, {} on their way", ahead),
      bench::alternate(settings.common.rounds,
                       {[&] { return batching.throughput_of_stream(ahead); },
                        [&] { return single.throughput_of_stream(ahead); }}));
}

int measure(const Settings& settings) {
  const cnn::Graph whole = bench::zoo_model("vgg16");
  const cnn::Graph classifier = classifier_of(whole);
  bench::Report report("batch", settings.common);
  in_one_process(classifier, settings, report);
  if (settings.whole) in_one_process(whole, settings, report);
  nlohmann::json plot{{"file", "batches"},
                      {"title", "VGG16's classifier, so many images sent at a time"},
                      {"kind", "lines"},
                      {"x", settings.batches},
                      {"x_label", "images sent at a time"},
                      {"y_label", "images a second"},
                      {"series", nlohmann::json::array()}};
  for (const int workers : settings.workers) {
    on_a_cluster(workers, classifier, settings, report, plot);
  }
  report.note("plots", nlohmann::json::array({plot}));
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Batches against single images"};
  Settings settings;
  settings.common.add_to(app);
  app.add_option("--batches", settings.batches, "How many images")
      ->check(CLI::IsMember({1, 2, 4, 8, 16}))
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "Of the clusters")
      ->delimiter(',')
      ->capture_default_str();
  app.add_flag("--whole", settings.whole,
               "In one process also the whole VGG16, which gains nothing");
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(settings); });
}
