// hyps make-model: well-known topologies with seeded weights.
#include <fmt/format.h>

#include <memory>

#include "common/base/units.hpp"
#include "common/onnx/onnx.hpp"
#include "common/zoo/zoo.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/progress.hpp"

namespace hyps::cli {

namespace {

struct Options {
  std::string name;
  std::string file;
  std::uint64_t seed = 1;
};

Result<int> run(const Options& options) {
  const std::filesystem::path file = options.file;
  HYPS_TRY(const cnn::Graph graph, [&] {
    Progress progress("making " + options.name);
    progress.note("drawing weights");
    return zoo::make(options.name, options.seed);
  }());
  HYPS_CHECK(onnx::save(graph, file, file.stem().string() + ".weights"));
  const cnn::Cost cost = cnn::cost_of(graph);
  fmt::print("{}: {} parameters, {} of weights, {} flop an image\n", options.file,
             format_count(cost.parameters), format_bytes(cost.weight_bytes),
             format_count(cost.flops));
  return kOk;
}

}  // namespace

void add_make_model(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      cli.add_verb("make-model", "Write a well-known topology with random weights", false);
  verb->add_option("name", options->name, "Which one")
      ->required()
      ->check(CLI::IsMember(zoo::names()));
  verb->add_option("-o,--output", options->file, "File to write; weights go beside it")->required();
  verb->add_option("--seed", options->seed, "Of the weights")->capture_default_str();
  verb->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hyps::cli
