// VGG16 (553 MB of weights) on one worker process in less and less memory: latency of an image, and
// the peak of what was resident. Each worker lives in a control group (v1) of exactly that much,
// swap included, from its first instruction on.
#include "common/cnn/npy.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/chaos/scenarios/control_group.hpp"
#include "tests/support/cluster.hpp"

namespace hyps {
namespace {

constexpr int kDeploy_ms = 900'000;

std::string mebibytes(int count) { return std::to_string(std::int64_t{count} << 20U); }

double peak_mb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  bench::fail("the worker is gone");
}

struct Measured {
  bench::Samples ms;
  double peak_mb = 0;
  double budget_mb = 0;
  double first_ms = 0;
  nlohmann::json outputs;
};

// The cluster's other processes have all the memory they want.
Measured measure_in(int limit_mb, const std::filesystem::path& model, const Blob& input,
                    int threads, int rounds) {
  test::ControlGroup group("memory");
  if (!group.is_usable()) throw bench::CannotRunHere("no control groups (v1, memory) to make here");
  if (!group.set("memory.limit_in_bytes", mebibytes(limit_mb))) bench::fail("no memory limit");
  (void)group.set("memory.memsw.limit_in_bytes", mebibytes(limit_mb));  // absent without swap
  test::Cluster cluster;
  cluster.add_worker({"w1", "0", "safe", threads});
  cluster.run_under(
      "w1", {"sh", "-c", "echo $$ > " + group.members_file().string() + " && exec \"$@\"", "sh"});
  cluster.start_all();
  const auto deployed =
      cluster.hyps({"deploy", model.string(), "--name", "vgg16", "--timeout", "800"}, kDeploy_ms);
  if (deployed.code != 0) bench::fail("deploy: " + deployed.errors);
  bench::Client client(cluster.port());
  Measured measured;
  nlohmann::json answer;
  measured.first_ms = bench::time_ms([&] { answer = client.ask("vgg16", input); });
  for (int i = 0; i < rounds; ++i) {
    measured.ms.push_back(bench::time_ms([&] { answer = client.ask("vgg16", input); }));
  }
  measured.outputs = answer.at("outputs");
  measured.peak_mb = peak_mb(cluster.pid("w1"));
  measured.budget_mb = limit_mb * 0.75;
  return measured;
}

int measure(const bench::Options& options, const std::vector<int>& limits_mb, int threads) {
  const TemporaryFolder folder("hyps-bench-model");
  const auto model = bench::save_model(bench::zoo_model("vgg16"), folder.path());
  const Blob input = Blob::of(cnn::to_npy(bench::random_input({1, 3, 224, 224})));
  bench::Report report("memory", options);
  for (const int limit_mb : limits_mb) {
    const auto measured = measure_in(limit_mb, model, input, threads, options.rounds);
    report.add({.name = fmt::format("vgg16 in {} MB", limit_mb),
                .unit = "ms",
                .a = {"one worker", measured.ms},
                .more = {{"limit_mb", limit_mb},
                         {"budget_mb", measured.budget_mb},
                         {"first_ms", measured.first_ms},
                         {"peak_resident_mb", measured.peak_mb}}});
    report.add({.name = fmt::format("peak resident set in {} MB", limit_mb),
                .unit = "MB",
                .a = {"one worker", {measured.peak_mb}},
                .aim = bench::max_at_most(measured.budget_mb + 16)});
  }
  return report.finish();
}

}  // namespace
}  // namespace hyps

int main(int argc, char** argv) {
  CLI::App app{"VGG16 on one worker, memory against latency"};
  hyps::bench::Options options;
  options.rounds = 5;
  options.add_to(app);
  std::vector<int> limits{48, 64, 128, 256, 512, 1024};
  int threads = 0;
  app.add_option("--limits", limits, "Of the worker's control group, in MB")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--threads", threads, "Of the worker; 0: all")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return hyps::bench::run([&] { return hyps::measure(options, limits, threads); });
}
