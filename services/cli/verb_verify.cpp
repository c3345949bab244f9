// hyps verify: a model, whole and cut, against recorded outputs.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/onnx/onnx.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/local_run.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/progress.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

struct Options {
  ModelFiles files;
  CutOptions cut;
  std::string folder;
  std::string input;
  std::string expected;
  std::string thresholds;
  double tolerance = 1e-4;
  double partition_tolerance = 1e-5;
  int threads = 0;
};

struct Case {
  cnn::Tensor input;
  std::optional<cnn::Tensor> expected;  // none: only cut against whole
};

Result<cnn::Tensor> load_tensor(const std::filesystem::path& path) {
  HYPS_TRY(const Blob bytes, read_file(path, 1U << 30U));
  auto tensor = path.extension() == ".npy" ? cnn::parse_npy(bytes) : onnx::parse_tensor(bytes);
  if (!tensor) return tensor.error().about(path.string());
  return tensor;
}

// Cuts [N, …] into N tensors of the wanted shape; a tensor of that shape is one already.
Result<std::vector<cnn::Tensor>> rows_of(const cnn::Tensor& tensor, const cnn::Shape& wanted,
                                         const std::string& where) {
  const auto row_bytes =
      static_cast<std::size_t>(cnn::element_count(wanted)) * cnn::size_of(tensor.type);
  if (row_bytes == 0 || tensor.data.size() % row_bytes != 0) {
    return Error{ErrorKind::invalid,
                 fmt::format("{}: shape {} is no stack of {}", where, cnn::to_string(tensor.shape),
                             cnn::to_string(wanted))};
  }
  std::vector<cnn::Tensor> rows;
  for (std::size_t at = 0; at < tensor.data.size(); at += row_bytes) {
    rows.push_back({tensor.type, wanted, tensor.data.slice(at, row_bytes)});
  }
  return rows;
}

Status add_cases(const std::filesystem::path& input, const std::filesystem::path& expected,
                 const Model& model, std::vector<Case>& cases) {
  HYPS_TRY(const cnn::Tensor in, load_tensor(input));
  HYPS_TRY(const auto ins, rows_of(in, model.graph.inputs[0].shape, input.string()));
  if (expected.empty()) {
    for (const cnn::Tensor& row : ins) cases.push_back({row, {}});
    return {};
  }
  HYPS_TRY(const cnn::Tensor out, load_tensor(expected));
  HYPS_TRY(const auto outs, rows_of(out, model.graph.outputs[0].shape, expected.string()));
  if (ins.size() != outs.size()) {
    return Error{ErrorKind::invalid, fmt::format("{} has {} cases, {} has {}", input.string(),
                                                 ins.size(), expected.string(), outs.size())};
  }
  for (std::size_t i = 0; i < ins.size(); ++i) {
    cases.push_back({ins[i], outs[i]});
  }
  return {};
}

// An ONNX test_data_set folder, or a folder of such folders.
Status find_cases(const std::filesystem::path& folder, const Model& model,
                  std::vector<Case>& cases) {
  if (std::filesystem::exists(folder / "input_0.pb")) {
    return add_cases(folder / "input_0.pb", folder / "output_0.pb", model, cases);
  }
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (std::filesystem::exists(entry.path() / "input_0.pb")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  for (const auto& entry : folders) {
    HYPS_CHECK(add_cases(entry / "input_0.pb", entry / "output_0.pb", model, cases));
  }
  if (folders.empty()) {
    return Error{ErrorKind::not_found, folder.string() + " holds no input_0.pb (test_data_set)"};
  }
  return {};
}

struct Way {  // one way of running the model
  std::string name;
  std::optional<partition::Plan> plan;  // none: whole
  double against_expected = 0;
  double against_whole = 0;
};

Result<std::vector<Way>> ways_of(const Model& model, const Options& options) {
  std::vector<Way> ways;
  ways.push_back({.name = "whole", .plan = std::nullopt});
  for (const std::string& threshold : split(options.thresholds, ',')) {
    CutOptions cut = options.cut;
    cut.threshold = threshold;
    HYPS_TRY(auto plan, plan_with(model, cut));
    ways.push_back({.name = "threshold " + threshold, .plan = std::move(plan)});
  }
  if (options.cut.given()) {
    HYPS_TRY(auto plan, plan_with(model, options.cut));
    ways.push_back({.name = "cut as told", .plan = std::move(plan)});
  }
  return ways;
}

Status measure(const Model& model, const std::vector<Case>& cases, engine::Engine& engine,
               std::vector<Way>& ways) {
  Progress progress("verifying");
  std::size_t done = 0;
  for (const Case& test : cases) {
    progress.show(done++, cases.size());
    HYPS_TRY(const auto whole, run_whole(model.graph, test.input, engine));
    for (Way& way : ways) {
      auto outputs = whole;
      if (way.plan) {
        HYPS_TRY(outputs, run_partitioned(model.graph, *way.plan, test.input, engine));
      }
      if (test.expected) {
        way.against_expected =
            std::max(way.against_expected, relative_error(outputs[0], *test.expected));
      }
      for (std::size_t i = 0; i < whole.size(); ++i) {
        way.against_whole = std::max(way.against_whole, relative_error(outputs[i], whole[i]));
      }
    }
  }
  return {};
}

Result<int> run(const Options& options) {
  HYPS_TRY(const Model model, load_model(options.files));
  std::vector<Case> cases;
  if (!options.folder.empty()) {
    HYPS_CHECK(find_cases(options.folder, model, cases));
  } else if (!options.input.empty()) {
    HYPS_CHECK(add_cases(options.input, options.expected, model, cases));
  } else {
    return Error{ErrorKind::invalid,
                 "say what to compare with: TESTDIR, or --input, and --expected if it is known"};
  }
  if (!cases[0].expected && options.thresholds.empty() && !options.cut.given()) {
    return Error{ErrorKind::invalid, "nothing to compare: without --expected, say how to cut"};
  }
  const auto engine = engine::make_onednn_engine(options.threads);
  HYPS_TRY(auto ways, ways_of(model, options));
  HYPS_CHECK(measure(model, cases, *engine, ways));
  bool good = true;
  Table table({"run", "partitions", "cases", "error to expected", "error to whole", ""});
  for (const Way& way : ways) {
    const bool passed = way.against_expected <= options.tolerance &&
                        way.against_whole <= options.partition_tolerance;
    good = good && passed;
    table.add({way.name, way.plan ? std::to_string(way.plan->partitions.size()) : "1",
               std::to_string(cases.size()),
               cases[0].expected ? fmt::format("{:.2e}", way.against_expected) : "-",
               way.plan ? fmt::format("{:.2e}", way.against_whole) : "-",
               passed ? "ok" : "DIFFERS"});
  }
  fmt::print(
      "{}largest |difference| over the largest |expected| of an output; bounds {:.0e} to "
      "expected, {:.0e} to whole\n",
      table.text(), options.tolerance, options.partition_tolerance);
  return good ? kOk : kBadResult;
}

}  // namespace

void add_verify(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      cli.add_verb("verify", "Compare a model's output, whole and cut, with recorded ones", false);
  verb->add_option("model", options->files.model, "MODEL.onnx")->required();
  verb->add_option("testdir", options->folder, "ONNX test_data_set folder, or a folder of them")
      ->check(CLI::ExistingDirectory);
  verb->add_option("--input", options->input, "Inputs stacked in one .npy or .pb");
  verb->add_option("--expected", options->expected,
                   "Outputs stacked likewise; none: cut against whole only");
  verb->add_option("--threshold", options->thresholds,
                   "Cut at these numbers of parameters too: 30M,5M,1M");
  verb->add_option("--rtol", options->tolerance, "Bound on the error to the recorded output")
      ->capture_default_str();
  verb->add_option("--rtol-whole", options->partition_tolerance,
                   "Bound on the error of cut to whole")
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "0: as many as the CPU quota allows");
  options->files.add_input_shape(verb);
  options->cut.add_options(verb, true);
  verb->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hyps::cli
