// A stream of images over N emulated devices, planned for throughput, against N times what one
// device does: each worker has a share of a processor (a control group with a quota), and as many
// images are on their way as keep all of them busy. One device and N devices by turns.
#include "common/cnn/npy.hpp"
#include "common/partition/plan.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"

namespace {

using namespace hyps;
using Clock = std::chrono::steady_clock;

struct Settings {
  bench::Options common;
  std::string network = "tower";
  std::vector<int> devices{1, 2, 3, 4, 5, 6};
  double share = 0.3;  // of a core, for each device
  int period_ms = 10;  // in which the share is given out
  int images = 0;      // a round; 0: some seconds' worth
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

// The share of a processor that one process has; what it had before comes back at the end.
class Share {
 public:
  Share(const std::string& name, pid_t process, const Settings& settings)
      : folder_(kParent + "/hyps-stream-" + std::to_string(::getpid()) + "-" + name) {
    std::error_code error;
    std::filesystem::create_directory(folder_, error);
    const auto quota_us = static_cast<int>(settings.share * settings.period_ms * 1000);
    const bool is_set = set("cpu.cfs_period_us", settings.period_ms * 1000) &&
                        set("cpu.cfs_quota_us", quota_us) && set("cgroup.procs", process);
    if (!is_set) throw bench::CannotRunHere("no control groups (v1, cpu) can be made: " + folder_);
  }
  ~Share() {
    std::ifstream members(folder_ + "/cgroup.procs");
    for (std::string pid; members >> pid;) std::ofstream(kParent + "/cgroup.procs") << pid;
    ::rmdir(folder_.c_str());
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  inline static const std::string kParent = "/sys/fs/cgroup/cpu";
  [[nodiscard]] bool set(const char* key, int value) const {
    return static_cast<bool>(std::ofstream(folder_ + "/" + key) << value << std::flush);
  }
  const std::string folder_;
};

// A cluster of so many devices with the network on it.
class Devices {
 public:
  Devices(int count, const cnn::Graph& graph, const Settings& settings)
      : count_(count),
        name_(graph.name),
        cluster_({"--workers", std::to_string(count), "--memory", "2G", "--threads", "1"}) {
    std::ifstream nodes(cluster_.folder() / ".hyps" / "nodes");
    std::string node;
    for (pid_t pid = 0; nodes >> node >> pid;) {
      if (node[0] == 'w')
        shares_.push_back(
            std::make_unique<Share>(fmt::format("{}-{}", count, node), pid, settings));
    }
    cluster_.deploy(bench::save_model(graph, cluster_.folder()), name_,
                    {"--objective", "throughput"});
    const auto model =
        nlohmann::json::parse(cluster_.hyps({"describe", "model", name_, "-o", "json"}));
    plan_ = *partition::plan_from_json(model.at("plan_json").dump());
    payload_ = Blob::of(cnn::to_npy(bench::random_input(graph.inputs[0].shape)));
    client_ = std::make_unique<bench::Client>(cluster_.port());
  }

  // Images a second, while there are always more.
  double throughput(int images) {
    const int ahead = 4 * count_ + 2;  // on their way, or waiting at the hub
    int sent = 0;
    for (; sent < ahead; ++sent) client_->send(name_, payload_);
    for (int i = 0; i < ahead; ++i, ++sent) {  // until the pipeline is full
      wait_for_answer();
      client_->send(name_, payload_);
    }
    const auto begin = Clock::now();
    for (int i = 0; i < images; ++i, ++sent) {
      wait_for_answer();
      client_->send(name_, payload_);
    }
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
    const auto seen = client_->next(Clock::now() + std::chrono::seconds(120));
    if (!seen) bench::fail("no answer within 120 s");
    const auto answer = nlohmann::json::parse(seen->message.payload.text(), nullptr, false);
    if (answer.is_discarded() || answer.value("state", "") != "done") {
      bench::fail("a job failed: " + std::string(seen->message.payload.text()));
    }
  }

  const int count_;
  const std::string name_;
  bench::Cluster cluster_;
  std::vector<std::unique_ptr<Share>> shares_;
  std::unique_ptr<bench::Client> client_;
  partition::Plan plan_;
  Blob payload_;
};

int measure(const Settings& settings) {
  const cnn::Graph graph =
      settings.network == "tower" ? tower() : bench::zoo_model(settings.network);
  bench::Report report("stream", settings.common);
  report.note("share_of_a_core", settings.share);
  report.note("period_ms", settings.period_ms);
  report.note("network", settings.network);
  Devices one(1, graph, settings);
  const double alone = one.throughput(2);
  for (const int count : settings.devices) {
    Devices many(count, graph, settings);
    const int images =
        settings.images > 0 ? settings.images : std::max(4, static_cast<int>(5 * alone * count));
    auto samples =
        bench::alternate(settings.common.rounds,
                         {[&] { return many.throughput(images); },
                          [&] { return count * one.throughput(std::max(3, images / count)); }});
    report.add(
        {.name =
             fmt::format("{} on {} devices of {} core", settings.network, count, settings.share),
         .unit = "/s",
         .a = {"images", std::move(samples[0])},
         .b = bench::Side{fmt::format("{} x one device", count), std::move(samples[1])},
         .aim = bench::ratio_at_least(0.9),
         .more = {{"partitions", many.partitions()}, {"balance of the plan", many.balance()}}});
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
  app.add_option("--devices", settings.devices, "How many")->capture_default_str();
  app.add_option("--share", settings.share, "Of a core, for each")->capture_default_str();
  app.add_option("--period", settings.period_ms, "ms in which it is given out")
      ->capture_default_str();
  app.add_option("--images", settings.images, "A round; 0: some seconds' worth");
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(settings); });
}
