// Many small jobs through a real cluster (broker, hub, manager, workers): a network for handwritten
// digits, so many jobs in flight. What a job costs, in windows from the first job to the last.
#include <memory>

#include "common/base/random.hpp"
#include "common/cnn/npy.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/small_net.hpp"
#include "tests/bench/support/usage.hpp"
#include "tests/support/cluster.hpp"

namespace {

using namespace hyps;
using bench::fail;
using Clock = std::chrono::steady_clock;

constexpr const char* kModel = "small";

struct Setup {
  int jobs = 20'000;
  int in_flight = 64;
  int workers = 1;
  int windows = 10;
};

struct Window {
  double jobs_per_second = 0;
  std::map<std::string, double> cpu_us_per_job;
  std::map<std::string, double> resident_mb;  // at its end
};

class Load {
 public:
  Load(const Setup& setup, test::Cluster& cluster)
      : setup_(setup), cluster_(cluster), client_(cluster.port()) {
    Random random(1);
    std::vector<float> values(3 * 28 * 28);
    for (float& value : values) value = random.uniform(-1, 1);
    input_ = Blob::of(cnn::to_npy(cnn::Tensor::floats({1, 3, 28, 28}, std::move(values))));
    processes_ = {{"hub", cluster.pid("hub")},
                  {"broker", cluster.pid("broker")},
                  {"manager", cluster.pid("manager")},
                  {"client", ::getpid()}};
    for (const auto& name : cluster.worker_names()) processes_[name] = cluster.pid(name);
  }

  // Keeps `in_flight` jobs under way until so many more are answered.
  Window window(int jobs) {
    const auto begin = Clock::now();
    const auto before = cpu();
    for (int answered = 0; answered < jobs; ++answered) {
      for (; asked_ - answered_ < setup_.in_flight; ++asked_) client_.send(kModel, input_);
      take_answer();
      ++answered_;
    }
    Window window;
    window.jobs_per_second = jobs / std::chrono::duration<double>(Clock::now() - begin).count();
    for (const auto& [name, ms] : cpu()) {
      window.cpu_us_per_job[name] = (ms - before.at(name)) * 1000.0 / jobs;
      window.resident_mb[name] = bench::resident_mb(processes_.at(name));
    }
    return window;
  }

 private:
  [[nodiscard]] std::map<std::string, double> cpu() const {
    std::map<std::string, double> used;
    for (const auto& [name, pid] : processes_) used[name] = bench::cpu_ms(pid);
    return used;
  }
  void take_answer() {
    const auto answer = client_.next(Clock::now() + std::chrono::seconds(60));
    if (!answer) fail("no answer within 60 s: " + cluster_.hyps({"get", "status"}).output);
    if (answer->message.payload.text().find("\"done\"") == std::string_view::npos) {
      fail("a job failed: " + std::string(answer->message.payload.text()));
    }
  }

  const Setup setup_;
  test::Cluster& cluster_;
  bench::Client client_;
  Blob input_;
  std::map<std::string, pid_t> processes_;
  int asked_ = 0;
  int answered_ = 0;
};

void deploy(test::Cluster& cluster) {
  const auto graph = bench::small_net();
  if (!graph.ok()) fail(graph.error().message);
  const auto file = bench::save_model(*graph, cluster.folder());
  const auto deployed = cluster.hyps({"deploy", file.string(), "--name", kModel});
  if (deployed.code != 0) fail("hyps deploy: " + deployed.errors);
}

template <typename Figure>
bench::Samples each(const std::vector<Window>& windows, Figure figure) {
  bench::Samples samples;
  for (const Window& window : windows) samples.push_back(figure(window));
  return samples;
}

void add_rows(bench::Report& report, const std::vector<Window>& windows) {
  const auto third = windows.size() / 3 + (windows.size() < 3 ? 1 : 0);
  const std::vector<Window> first(windows.begin(), windows.begin() + static_cast<long>(third));
  const std::vector<Window> last(windows.end() - static_cast<long>(third), windows.end());
  report.add({.name = "small jobs: accepted, computed, stored and answered",
              .unit = "jobs/s",
              .a = {"all windows", each(windows, [](auto& w) { return w.jobs_per_second; })},
              .aim = bench::median_at_least(1000)});
  const auto cost = [](const Window& w) { return 1e6 / w.jobs_per_second; };
  report.add({.name = "cost of a job, the last third of them over the first",
              .unit = "us",
              .a = {"last", each(last, cost)},
              .b = bench::Side{"first", each(first, cost)},
              .aim = bench::ratio_at_most(1.10)});
  for (const auto& [name, ignored] : windows.front().cpu_us_per_job) {
    const auto cpu = [&](const Window& w) { return w.cpu_us_per_job.at(name); };
    report.add({.name = "processor time of a job: " + name,
                .unit = "us",
                .a = {"last third", each(last, cpu)},
                .b = bench::Side{"first third", each(first, cpu)}});
  }
  for (const auto& [name, ignored] : windows.front().resident_mb) {
    const auto resident = [&](const Window& w) { return w.resident_mb.at(name); };
    report.add({.name = "resident set: " + name,
                .unit = "MB",
                .a = {"last third", each(last, resident)},
                .b = bench::Side{"first third", each(first, resident)}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Many small jobs, so many in flight"};
  Setup setup;
  bench::Options options;
  app.add_option("--jobs", setup.jobs, "In all")->capture_default_str();
  app.add_option("--in-flight", setup.in_flight)->capture_default_str();
  app.add_option("--workers", setup.workers)->capture_default_str();
  app.add_option("--windows", setup.windows)->capture_default_str()->check(CLI::Range(1, 1000));
  app.add_option("--json", options.json_file, "Write the rows to this file");
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] {
    test::Cluster cluster(test::workers(setup.workers, "16M"));
    cluster.start_all();
    deploy(cluster);
    Load load(setup, cluster);
    (void)load.window(setup.in_flight * 4);  // loads the partitions, fills the queues
    std::vector<Window> windows;
    for (int i = 0; i < setup.windows; ++i) {
      windows.push_back(load.window(setup.jobs / setup.windows));
    }
    bench::Report report("jobs", options);
    report.note("jobs", setup.jobs);
    report.note("in flight", setup.in_flight);
    report.note("workers", setup.workers);
    add_rows(report, windows);
    return report.finish();
  });
}
