// One feature map of 12.8 MB from worker to worker: from the end of the partition that makes it, by
// way of broker, hub (which stores it) and broker again, to the begin of the partition that takes
// it. Broker, hub, manager and workers are real processes; only the engine of the two workers is a
// stand-in (transport_worker.hpp).
#include <array>
#include <thread>

#include "common/cnn/npy.hpp"
#include "common/zoo/builder.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/usage.hpp"
#include "tests/bench/transport_worker.hpp"
#include "tests/chaos/scenarios/link.hpp"
#include "tests/support/cluster.hpp"

namespace {

using namespace hyps;
using bench::fail;

constexpr const char* kModel = "transport";
constexpr std::int64_t kBytes = std::int64_t{64} * 224 * 224 * 4;
constexpr double kMegabytes = static_cast<double>(kBytes) / 1e6;
constexpr const char* kMemory = "30M";  // room for one of the two partitions
constexpr std::array<const char*, 2> kWorkers{"w1", "w2"};

// Two partitions with 12.8 MB between them.
cnn::Graph make_model() {
  zoo::Builder net(kModel, 1, 224);
  zoo::Map x = net.conv("conv1", net.input(), {.channels = 64, .kernel = 3, .pad = 1});
  x = net.relu("relu1", x);
  x = net.flatten("logits", net.global_average_pool("pool1", x), 1);
  auto graph = net.finish(x);
  if (!graph.ok()) fail(graph.error().message);
  return std::move(*graph);
}

struct Setup {
  std::string rate;  // of the workers' link; empty: they are on the loopback
  int zero_percent = 50;
  test::Settings hub;
  std::string compression = "off";
};

test::Settings hub_settings(const Setup& setup) {
  test::Settings settings = setup.hub;
  settings.push_back("compression=" + setup.compression);
  return settings;
}

class Cluster {
 public:
  explicit Cluster(const Setup& setup)
      : services_({}, hub_settings(setup), setup.rate.empty() ? "127.0.0.1" : "0.0.0.0") {
    std::vector<std::string> prefix;
    std::string host = "127.0.0.1";
    if (!setup.rate.empty()) {
      link_ = std::make_unique<test::Link>();
      if (link_->why_not().empty()) (void)link_->limit_to(setup.rate);
      if (!link_->why_not().empty()) throw bench::CannotRunHere(link_->why_not());
      prefix = link_->prefix();
      host = link_->host();
    }
    for (const char* name : {"broker", "hub", "manager"}) services_.start(name);
    for (std::size_t i = 0; i < kWorkers.size(); ++i) {
      std::vector<std::string> command = prefix;
      command.insert(
          command.end(),
          {"/proc/self/exe", "--worker", kWorkers.at(i), "--host", host, "--port",
           std::to_string(services_.port()), "--folder", services_.folder().string(), "--zeros",
           std::to_string(setup.zero_percent), "--compression", setup.compression});
      if (!prefix.empty()) command.at(prefix.size()) = self();
      workers_.at(i) = test::Process(command, services_.folder() / "workers.log");
    }
    deploy();
    client_ = std::make_unique<bench::Client>(services_.port());
    (void)client_->ask(kModel, input_);  // loads the partitions
    (void)take();
  }

  // Milliseconds on the way, once.
  double transfer_ms() {
    (void)client_->ask(kModel, input_);
    return take();
  }

  [[nodiscard]] nlohmann::json cpu() const {
    return {{"worker that sends", bench::cpu_ms(sender())},
            {"broker", bench::cpu_ms(services_.pid("broker"))},
            {"hub", bench::cpu_ms(services_.pid("hub"))},
            {"worker that takes", bench::cpu_ms(taker())}};
  }

  // How it travelled last, from the worker that makes it and to the one that takes it.
  [[nodiscard]] nlohmann::json ways() const {
    const auto told = services_.hyps({"describe", "model", kModel, "-o", "json"});
    nlohmann::json ways = nlohmann::json::object();
    for (const auto& map : nlohmann::json::parse(told.output).at("feature_maps")) {
      const double ratio = map.at("wire_bytes").get<double>() / map.at("bytes").get<double>();
      ways["wire bytes over bytes, " + map.at("way").get<std::string>()] = ratio;
    }
    return ways;
  }

 private:
  static std::string self() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

  void deploy() const {
    const auto model = bench::save_model(make_model(), services_.folder());
    for (int tries = 0; tries < 100; ++tries) {
      const auto outcome =
          services_.hyps({"deploy", model.string(), "--name", kModel, "--cut-after", "conv1"});
      if (outcome.code == 0) return;
      if (tries == 99) fail("the model cannot be deployed: " + outcome.errors);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }

  // The pair of moments of the job just answered.
  double take() {
    const std::int64_t made = moment(services_.folder() / "made");
    const std::int64_t arrived = moment(services_.folder() / "arrived");
    ++taken_;
    return static_cast<double>(arrived - made) / 1e6;
  }
  [[nodiscard]] std::int64_t moment(const std::filesystem::path& file) const {
    const std::string all = test::text_of(file);
    if (all.size() != (taken_ + 1) * sizeof(std::int64_t)) {
      fail("something was computed twice, or not at all: " + file.string());
    }
    std::int64_t ns = 0;
    std::memcpy(&ns, all.data() + taken_ * sizeof(ns), sizeof(ns));
    return ns;
  }
  [[nodiscard]] pid_t sender() const { return workers_.at(0).pid(); }
  [[nodiscard]] pid_t taker() const { return workers_.at(1).pid(); }

  std::unique_ptr<test::Link> link_;
  test::Cluster services_;
  std::array<test::Process, kWorkers.size()> workers_;
  std::unique_ptr<bench::Client> client_;
  std::size_t taken_ = 0;
  const Blob input_ = Blob::of(cnn::to_npy(bench::random_input({1, 3, 224, 224})));
};

bench::Samples rates(const bench::Samples& ms) {
  bench::Samples rates;
  for (const double sample : ms) rates.push_back(kMegabytes / (sample / 1000.0));
  return rates;
}

constexpr int kWarm = 3;  // enough to know the links

int measure(const Setup& setup, const bench::Options& options) {
  Cluster cluster(setup);
  Setup deciding = setup;
  deciding.compression = "auto";
  Cluster decides(deciding);
  for (int i = 0; i < kWarm; ++i) (void)(cluster.transfer_ms() + decides.transfer_ms());
  const auto before = cluster.cpu();
  const auto both = bench::alternate(options.rounds, {[&] { return decides.transfer_ms(); },
                                                      [&] { return cluster.transfer_ms(); }});
  const bench::Samples& ms = both[1];
  auto cpu = cluster.cpu();  // of which the job's other messages are little
  for (auto& [name, used] : cpu.items()) {
    used = (used.get<double>() - before.at(name).get<double>()) / (options.rounds + 1);
  }
  const bench::Summary summary = bench::summary_of(ms);
  const std::string link = setup.rate.empty() ? "loopback" : "link of " + setup.rate;
  bench::Report report("transport", options);
  report.add({.name = link + ": a feature map of 12.8 MB, worker to worker",
              .unit = "ms",
              .a = {"on the way", ms},
              .aim = bench::max_at_most(setup.rate.empty() ? 500 : 1210),
              .more = {{"max", summary.max}, {"p99 over median", summary.p99 / summary.median}}});
  report.add({.name = link + ": its rate, end to end",
              .unit = "MB/s",
              .a = {"12.8 MB over that time", rates(ms)},
              .aim = bench::median_at_least(setup.rate.empty() ? 250 : 0.85 * 12.5)});
  for (const auto& [name, used] : cpu.items()) {
    report.add({.name = link + ": processor time of a transfer, " + name,
                .unit = "ms",
                .a = {"user and system", {used.get<double>()}}});
  }
  report.add({.name = link + ": the same, compressed where it pays",
              .unit = "ms",
              .a = {"as it decides", both[0]},
              .b = bench::Side{"as they are", ms},
              .aim = bench::ratio_at_most(setup.rate.empty() ? 1.05 : 0.95),
              .more = decides.ways()});
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A feature map of 12.8 MB, from worker to worker"};
  bench::Options options;
  Setup setup;
  bench::WorkerOptions worker;
  options.add_to(app);
  app.add_option("--rate", setup.rate,
                 "Of the workers' link, as tc takes it: 100mbit (the aims\n"
                 "for a link are those of 100mbit)");
  app.add_option("--zeros", setup.zero_percent, "Percent of the feature map's elements");
  app.add_option("--hub", setup.hub, "Settings of the hub: KEY=VALUE");
  app.add_option("--compression", worker.compression)->group("");
  app.add_option("--worker", worker.id, "Be this worker")->group("");
  app.add_option("--host", worker.host)->group("");
  app.add_option("--port", worker.port)->group("");
  app.add_option("--folder", worker.folder)->group("");
  CLI11_PARSE(app, argc, argv);
  if (!worker.id.empty()) {
    worker.memory = 30U << 20U;
    worker.stand_in = {worker.folder / "made", worker.folder / "arrived", setup.zero_percent};
    return bench::serve_as_worker(worker);
  }

  return bench::run([&] { return measure(setup, options); });
}
