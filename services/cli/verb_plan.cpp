// hyps plan: how a model would be cut, as a table, JSON or picture.
#include <fmt/format.h>

#include <memory>

#include "common/base/file.hpp"
#include "common/base/units.hpp"
#include "common/planning/planning.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/model_files.hpp"

namespace hyps::cli {

namespace {

struct Options {
  ModelFiles files;
  CutOptions cut;
  std::string svg;
};

// Whom the partitions would go to with --workers N; empty strings without.
Result<std::vector<std::string>> workers_for(const partition::Plan& plan, const CutOptions& cut) {
  std::vector<std::string> workers(plan.partitions.size());
  if (cut.workers == 0) return workers;
  std::int64_t memory = std::int64_t{1} << 40U;
  if (!cut.memory.empty()) {
    HYPS_TRY(memory, parse_bytes(cut.memory));
  }
  std::vector<planning::Device> devices;
  for (int i = 1; i <= cut.workers; ++i) {
    devices.push_back(
        {.id = WorkerId("w" + std::to_string(i)), .memory_bytes = memory, .safe_zone = true});
  }
  const auto placement = planning::place(plan, devices, {}, {});
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto found = placement.worker_of.find(plan.partitions[i].name);
    if (found != placement.worker_of.end()) workers[i] = found->second.text;
  }
  for (const auto& unplaced : placement.unplaced) {
    fmt::print(stderr, "hyps: {} has no place: {}\n", unplaced.partition.text, unplaced.reason);
  }
  return workers;
}

Result<int> run(const Cli& cli, const Options& options) {
  HYPS_TRY(const Model model, load_model(options.files));
  HYPS_CHECK(check_no_payload(model));
  HYPS_TRY(const partition::Plan plan, plan_with(model, options.cut));
  HYPS_TRY(const auto workers, workers_for(plan, options.cut));
  if (!options.svg.empty()) {
    HYPS_CHECK(write_file(options.svg, partition::to_svg(plan, workers)));
  }
  fmt::print("{}", cli.json() ? partition::to_json(plan) + "\n" : partition::to_table(plan));
  return kOk;
}

}  // namespace

void add_plan(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("plan", "Show how a model would be cut into partitions", true);
  verb->add_option("model", options->files.model, "MODEL.onnx")->required();
  options->files.add_input(verb);
  options->cut.add_options(verb, false);
  verb->add_option("--svg", options->svg, "Draw the plan into this file");
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
