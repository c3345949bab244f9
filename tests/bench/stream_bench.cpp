// A stream of images over N emulated devices, planned for throughput, against N times what one
// device does that has the whole network: each has a share of a processor (tests/testbed), and as
// many images are on their way as keep all of them busy. One device and N devices by turns.
#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/partition/partition.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/job_times.hpp"
#include "tests/bench/support/testbed.hpp"

namespace {

using namespace hyps;
using Clock = std::chrono::steady_clock;

struct Settings {
  bench::Options common;
  std::string network = "tower";
  std::vector<int> devices{2, 3, 4, 5, 6};
  double share = 0.3;         // of a core, for each device
  int period_ms = 10;         // in which the share is given out
  std::string rate = "none";  // of each device's link
  int images = 0;             // a round; 0: some seconds' worth
};

// Sixty equal convolutions on small maps: a plan for 1 to 6 devices can balance exactly, and hub
// and broker have little to move. What is lost is the pipeline's own doing.
cnn::Graph tower() {
  constexpr std::int64_t kChannels = 256;
  constexpr std::int64_t kSide = 14;
  constexpr int kLayers = 60;
  Random random(1);
  const auto weights = [&](const cnn::Shape& shape, float scale) {
    std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
    for (float& value : values) value = random.uniform(-scale, scale);
    return cnn::Tensor::floats(shape, std::move(values));
  };
  cnn::Graph graph;
  graph.name = "tower";
  graph.opset = 13;
  graph.inputs.push_back({"x", cnn::DType::f32, {1, kChannels, kSide, kSide}});
  std::string x = "x";
  const auto add = [&](const std::string& op, const std::string& name,
                       std::vector<std::string> inputs,
                       std::map<std::string, cnn::Attribute> attributes) {
    graph.nodes.push_back({op, name, std::move(inputs), {name}, std::move(attributes)});
    x = name;
  };
  for (int i = 0; i < kLayers; ++i) {
    const auto w = fmt::format("w{}", i);
    graph.weights[w] = weights({kChannels, kChannels, 3, 3}, 0.036F);  // keeps the variance
    add("Conv", fmt::format("conv{}", i), {x, w},
        {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
    add("Relu", fmt::format("relu{}", i), {x}, {});
  }
  add("GlobalAveragePool", "mean", {x}, {});
  add("Flatten", "flat", {x}, {});
  graph.outputs.push_back({x, cnn::DType::f32, {}});
  if (const auto inferred = cnn::infer_shapes(graph); !inferred.ok()) {
    bench::fail(inferred.error().message);
  }
  return graph;
}

constexpr const char* kPipeline = "pipeline";
constexpr const char* kAlone = "alone";

// So many devices with the network on them twice: cut for a stream, and whole on one of them.
class Pipeline {
 public:
  Pipeline(int count, const cnn::Graph& graph, const Settings& settings)
      : count_(count),
        payload_(Blob::of(cnn::to_npy(bench::random_input(graph.inputs[0].shape)))),
        cluster_(devices(count, settings)),
        client_(cluster_.port()) {
    const auto file = bench::save_model(graph, folder_.path()).string();
    cluster_.hyps({"deploy", file, "--name", kPipeline, "--objective", "throughput"});
    plan_ = bench::plan_of(cluster_, kPipeline);

    partition::Request whole;
    whole.model_name = kAlone;
    const auto uncut = partition::make_plan(graph, whole);
    if (!uncut.ok()) bench::fail(uncut.error().message);
    const auto plan_file = folder_.path() / "alone.json";
    if (!write_file(plan_file, partition::to_json(*uncut)).ok()) bench::fail("disk full?");
    cluster_.hyps({"deploy", file, "--name", kAlone, "--plan", plan_file.string(), "--objective",
                   "throughput"});
  }

  // Images a second, while there are always more than `devices` can compute at a time.
  double throughput(const char* name, int devices, int images) {
    const int ahead = 4 * devices + 2;  // on their way, or waiting at the hub
    for (int sent = 0; sent < ahead; ++sent) client_.send(name, payload_);
    const auto go_on = [&](int answers) {
      for (int i = 0; i < answers; ++i) {
        wait_for_answer();
        client_.send(name, payload_);
      }
    };
    go_on(ahead);  // until the pipeline is full
    const auto begin = Clock::now();
    go_on(images);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    for (int i = 0; i < ahead; ++i) wait_for_answer();
    return images / seconds;
  }

  // What the plan's own arithmetic lets one expect: 1 where each device has the same to do.
  [[nodiscard]] double balance() const {
    double all = 0;
    double most = 0;
    for (const auto& part : plan_.partitions) {
      all += static_cast<double>(part.cost.flops);
      most = std::max(most, static_cast<double>(part.cost.flops));
    }
    return all / (count_ * most);
  }
  [[nodiscard]] std::size_t partitions() const { return plan_.partitions.size() - 2; }

 private:
  void wait_for_answer() {
    const auto seen = client_.next(Clock::now() + std::chrono::seconds(120));
    if (!seen) bench::fail("no answer within 120 s");
    const auto answer = nlohmann::json::parse(seen->message.payload.text(), nullptr, false);
    if (answer.is_discarded() || answer.value("state", "") != "done") {
      bench::fail("a job failed: " + std::string(seen->message.payload.text()));
    }
  }
  static bench::Devices devices(int count, const Settings& settings) {
    bench::Devices made;
    made.count = count;
    made.rate = settings.rate;
    made.cpu = fmt::format("{}", settings.share);
    made.memory = "none";
    made.worker = "2G";
    made.period_ms = settings.period_ms;
    return made;
  }

  const int count_;
  const Blob payload_;
  TemporaryFolder folder_{"hyps-stream"};
  bench::DeviceCluster cluster_;
  bench::Client client_;
  partition::Plan plan_;
};

int measure(const Settings& settings) {
  const cnn::Graph graph =
      settings.network == "tower" ? tower() : bench::zoo_model(settings.network);
  bench::Report report("stream", settings.common);
  report.note("share_of_a_core", settings.share);
  report.note("period_ms", settings.period_ms);
  report.note("network", settings.network);
  report.note("link", settings.rate);
  for (const int count : settings.devices) {
    Pipeline devices(count, graph, settings);
    const double alone = devices.throughput(kAlone, 1, 2);
    const int images = settings.images > 0
                           ? settings.images
                           : std::max(4 * count, static_cast<int>(5 * alone * count));
    auto samples = bench::alternate(
        settings.common.rounds,
        {[&] { return devices.throughput(kPipeline, count, images); },
         [&] { return count * devices.throughput(kAlone, 1, std::max(3, images / count)); }});
    report.add({.name = fmt::format("{} on {} devices of {} core", settings.network, count,
                                    settings.share),
                .unit = "/s",
                .a = {"images", std::move(samples[0])},
                .b = bench::Side{fmt::format("{} x one device", count), std::move(samples[1])},
                .aim = bench::ratio_at_least(0.9),
                .more = {{"partitions", devices.partitions()},
                         {"balance of the plan", devices.balance()}}});
  }
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A stream of images over emulated devices"};
  Settings settings;
  settings.common.rounds = 3;
  settings.common.add_to(app);
  app.add_option("--network", settings.network, "tower, or one of hyps make-model's")
      ->capture_default_str();
  app.add_option("--devices", settings.devices, "How many")->delimiter(',')->capture_default_str();
  app.add_option("--share", settings.share, "Of a core, for each")->capture_default_str();
  app.add_option("--period", settings.period_ms, "ms in which it is given out")
      ->capture_default_str();
  app.add_option("--rate", settings.rate, "Of each link, both ways; none: any")
      ->capture_default_str();
  app.add_option("--images", settings.images, "A round; 0: some seconds' worth");
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(settings); });
}
