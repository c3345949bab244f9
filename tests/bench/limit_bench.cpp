// The engine against its limit: steady latency of whole networks over the sum of the bare oneDNN
// primitives of the same layers (limit/bare.hpp), by turns, with one thread and with two.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <thread>

#include "common/engine/onednn/onednn_engine.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/bench/limit/bare.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/report.hpp"

namespace hyps::bench {
namespace {

struct Settings {
  Options options;
  std::vector<std::string> models{"vgg16",     "resnet18",      "mobilenet_v2",
                                  "googlenet", "squeezenet1_1", "yolov2"};
  std::vector<int> threads{1, 2};
  bool layers = false;
  bool cpu = false;
};

// Milliseconds, of the clock or of this process on any processor.
double now_ms(bool cpu) {
  timespec now{};
  clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Milliseconds of each step, by its label, in order of the first run.
class Profile {
 public:
  explicit Profile(bool cpu) : cpu_(cpu) {}
  void begin() {
    next_ = 0;
    last_ = now_ms(cpu_);
  }
  void note(const std::string& label) {
    const auto now = now_ms(cpu_);
    if (next_ == rows_.size()) rows_.push_back({label, {}});
    rows_[next_++].second.push_back(now - last_);
    last_ = now_ms(cpu_);
  }
  void print(const std::string& title) const {
    double total = 0;
    fmt::print("  {}\n", title);
    for (const auto& [label, samples] : rows_) {
      const auto summary = summary_of(samples);
      total += summary.median;
      fmt::print("    {:8.3f} ms (min {:8.3f})  {}\n", summary.median, summary.min, label);
    }
    fmt::print("    {:8.3f} ms in all\n", total);
  }

 private:
  const bool cpu_;
  double last_ = 0;
  std::size_t next_ = 0;
  std::vector<std::pair<std::string, Samples>> rows_;
};

// Idle for as long as a team of OpenMP goes on spinning after its last parallel region.
void let_teams_sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

double largest_difference(const cnn::Tensor& ours, const std::vector<float>& bare) {
  double worst = 0;
  double scale = 1e-30;
  for (std::size_t i = 0; i < bare.size(); ++i) {
    scale = std::max(scale, std::abs(static_cast<double>(bare[i])));
    worst = std::max(worst, std::abs(static_cast<double>(ours.f32()[i]) - bare[i]));
  }
  return worst / scale;
}

std::vector<cnn::Tensor> run_once(engine::Executable& executable,
                                  const std::vector<cnn::Tensor>& inputs) {
  auto outputs = executable.run(inputs);
  if (!outputs.ok()) fail(outputs.error().message);
  return std::move(*outputs);
}

void print_layers(const cnn::Graph& graph, BareNetwork& bare,
                  const std::vector<cnn::Tensor>& inputs, int threads, const Settings& settings) {
  Profile ours(settings.cpu);
  Profile theirs(settings.cpu);
  engine::OneDnnOptions options;
  options.threads = threads;
  options.after_step = [&](const std::string& label) { ours.note(label); };
  auto executable = engine::make_onednn_engine(options)->compile(graph);
  if (!executable.ok()) fail(executable.error().message);
  for (int round = 0; round < settings.options.rounds; ++round) {
    let_teams_sleep();
    ours.begin();
    run_once(**executable, inputs);
    let_teams_sleep();
    theirs.begin();
    for (auto& layer : bare.layers()) {
      bare.run(layer);
      theirs.note(layer.name + ": " + layer.implementation);
    }
  }
  ours.print("engine, step by step");
  theirs.print("bare primitives");
}

void measure(const std::string& model, int threads, const Settings& settings, Report& report) {
  auto graph = zoo::make(model, 7);
  if (!graph.ok()) fail(graph.error().message);
  const std::vector inputs{random_input(graph->inputs[0].shape)};
  BareNetwork bare(*graph, inputs[0], threads);
  auto executable = engine::make_onednn_engine(threads)->compile(*graph);
  if (!executable.ok()) fail(executable.error().message);
  const auto difference = largest_difference(run_once(**executable, inputs)[0], bare.output());
  if (difference > 1e-4) {
    fail(fmt::format("{}: the bare primitives compute something else ({})", model, difference));
  }
  const auto waited = [&](auto work) {
    return [work, &settings] {
      let_teams_sleep();
      const auto begin = now_ms(settings.cpu);
      work();
      return now_ms(settings.cpu) - begin;
    };
  };
  auto samples =
      alternate(settings.options.rounds,
                {waited([&] { run_once(**executable, inputs); }), waited([&] { bare.run(); })});
  report.add({.name = fmt::format("{}, threads: {}", model, threads),
              .unit = "ms",
              .a = {"engine", std::move(samples[0])},
              .b = Side{"bare primitives", std::move(samples[1])},
              .aim = ratio_at_most(1.10)});
  if (settings.layers) print_layers(*graph, bare, inputs, threads, settings);
}

}  // namespace
}  // namespace hyps::bench

int main(int argc, char** argv) {
  using namespace hyps::bench;
  CLI::App app{"The engine's latency over that of the bare oneDNN primitives of the same layers"};
  Settings settings;
  settings.options.add_to(app);
  app.add_option("--models", settings.models, "Networks, as hyps make-model names them");
  app.add_option("--threads", settings.threads, "Numbers of threads");
  app.add_flag("--layers", settings.layers, "Print the time of each step and of each primitive");
  app.add_flag("--cpu", settings.cpu,
               "Processor time instead of the clock's: for one thread on a busy machine");
  CLI11_PARSE(app, argc, argv);
  return run([&] {
    Report report("limit", settings.options);
    for (const auto& model : settings.models) {
      for (const int threads : settings.threads) measure(model, threads, settings, report);
    }
    return report.finish();
  });
}
