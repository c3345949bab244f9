// hyps verify: a model, whole and cut, against recorded outputs.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"
#include "common/onnx/onnx.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/local_run.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/progress.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

constexpr std::size_t kMaxFileBytes = 1U << 30U;

struct Options {
  ModelFiles files;
  CutOptions cut;
  std::string folder;
  std::string expected;
  std::string thresholds;
  double tolerance = 1e-4;
  double partition_tolerance = 1e-5;
  int threads = 0;
};

using Tensors = std::vector<cnn::Tensor>;

struct Case {
  Tensors inputs;
  Tensors expected;  // as the model's outputs; none: only cut against whole
};

// Cuts [N, …] into N tensors of the wanted shape; a tensor of that shape is one already.
Result<Tensors> rows_of(const cnn::Tensor& tensor, const cnn::Value& wanted,
                        const std::string& where) {
  const auto row_bytes = static_cast<std::size_t>(wanted.bytes());
  if (tensor.type != wanted.type || tensor.data.empty() || tensor.data.size() % row_bytes != 0) {
    return Error{ErrorKind::invalid,
                 fmt::format("{}: {} {} is no stack of '{}', {} {}", where,
                             cnn::to_string(tensor.type), cnn::to_string(tensor.shape), wanted.name,
                             cnn::to_string(wanted.type), cnn::to_string(wanted.shape))};
  }
  Tensors rows;
  for (std::size_t at = 0; at < tensor.data.size(); at += row_bytes) {
    rows.push_back({tensor.type, wanted.shape, tensor.data.slice(at, row_bytes)});
  }
  return rows;
}

// The tensors a file holds, one for each of `wanted`.
Result<Tensors> load_tensors(const std::filesystem::path& path,
                             const std::vector<cnn::Value>& wanted) {
  HYPS_TRY(const Blob bytes, read_file(path, kMaxFileBytes));
  if (npz::looks_like_npz(bytes)) {
    HYPS_TRY(const auto arrays, npz::parse_npz(bytes, kMaxFileBytes));
    Tensors tensors;
    for (const cnn::Value& value : wanted) {
      const auto found = arrays.find(value.name);
      if (found == arrays.end()) {
        return Error{ErrorKind::invalid,
                     fmt::format("{} has no array '{}'", path.string(), value.name)};
      }
      tensors.push_back(found->second);
    }
    return tensors;
  }
  if (wanted.size() != 1) {
    return Error{ErrorKind::invalid, fmt::format("{} holds one tensor and {} are wanted: use an "
                                                 ".npz with an array of each name",
                                                 path.string(), wanted.size())};
  }
  auto tensor =
      bytes.text().starts_with("\x93NUMPY") ? cnn::parse_npy(bytes) : onnx::parse_tensor(bytes);
  if (!tensor) return tensor.error().about(path.string());
  return Tensors{*tensor};
}

// `tensors`, one for each of `wanted`, each a stack of as many rows: by row.
Result<std::vector<Tensors>> stacked(const Tensors& tensors, const std::vector<cnn::Value>& wanted,
                                     const std::string& where) {
  std::vector<Tensors> rows;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    HYPS_TRY(const Tensors column, rows_of(tensors[i], wanted[i], where));
    if (i == 0) rows.resize(column.size());
    if (column.size() != rows.size()) {
      return Error{ErrorKind::invalid,
                   fmt::format("{} has {} of '{}' and {} of '{}'", where, rows.size(),
                               wanted[0].name, column.size(), wanted[i].name)};
    }
    for (std::size_t k = 0; k < column.size(); ++k) rows[k].push_back(column[k]);
  }
  return rows;
}

Status add_cases(const Tensors& inputs, const std::optional<Tensors>& expected, const Model& model,
                 const std::string& where, std::vector<Case>& cases) {
  HYPS_TRY(const auto ins, stacked(inputs, model.graph.inputs, where));
  std::vector<Tensors> outs(ins.size());
  if (expected) {
    HYPS_TRY(outs, stacked(*expected, model.graph.outputs, where));
  }
  if (ins.size() != outs.size()) {
    return Error{ErrorKind::invalid, fmt::format("{} has {} cases and {} expected outputs", where,
                                                 ins.size(), outs.size())};
  }
  for (std::size_t i = 0; i < ins.size(); ++i) cases.push_back({ins[i], outs[i]});
  return {};
}

// input_0.pb, input_1.pb, …: one for each of `wanted`.
Result<Tensors> load_numbered(const std::filesystem::path& folder, const char* what,
                              const std::vector<cnn::Value>& wanted) {
  Tensors tensors;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    HYPS_TRY(const auto one, load_tensors(folder / fmt::format("{}_{}.pb", what, i), {wanted[i]}));
    tensors.push_back(one[0]);
  }
  return tensors;
}

Status add_folder(const std::filesystem::path& folder, const Model& model,
                  std::vector<Case>& cases) {
  HYPS_TRY(const Tensors inputs, load_numbered(folder, "input", model.graph.inputs));
  HYPS_TRY(Tensors outputs, load_numbered(folder, "output", model.graph.outputs));
  return add_cases(inputs, std::move(outputs), model, folder.string(), cases);
}

// An ONNX test_data_set folder, or a folder of such folders.
Status find_cases(const std::filesystem::path& folder, const Model& model,
                  std::vector<Case>& cases) {
  if (std::filesystem::exists(folder / "input_0.pb")) return add_folder(folder, model, cases);
  std::vector<std::filesystem::path> folders;
  if (!std::filesystem::is_directory(folder)) {
    return Error{ErrorKind::invalid, folder.string() + " is no folder"};
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (std::filesystem::exists(entry.path() / "input_0.pb")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  for (const auto& entry : folders) HYPS_CHECK(add_folder(entry, model, cases));
  if (folders.empty()) {
    return Error{ErrorKind::not_found, folder.string() + " holds no input_0.pb (test_data_set)"};
  }
  return {};
}

Status add_files(const Model& model, const std::string& expected, std::vector<Case>& cases) {
  HYPS_TRY(const Tensors inputs, load_tensors(model.payload, model.graph.inputs));
  std::optional<Tensors> outputs;
  if (!expected.empty()) {
    HYPS_TRY(outputs, load_tensors(expected, model.graph.outputs));
  }
  return add_cases(inputs, outputs, model, model.payload, cases);
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
    HYPS_TRY(const auto whole, run_whole(model.graph, test.inputs, engine));
    for (Way& way : ways) {
      auto outputs = whole;
      if (way.plan) {
        HYPS_TRY(outputs, run_partitioned(model.graph, *way.plan, test.inputs, engine));
      }
      for (std::size_t i = 0; i < test.expected.size(); ++i) {
        way.against_expected =
            std::max(way.against_expected, relative_error(outputs[i], test.expected[i]));
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
  } else if (!model.payload.empty()) {
    HYPS_CHECK(add_files(model, options.expected, cases));
  } else {
    return Error{
        ErrorKind::invalid,
        "say what to compare with: TESTDIR, or --input FILE, and --expected if it is known"};
  }
  if (cases[0].expected.empty() && options.thresholds.empty() && !options.cut.given()) {
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
               cases[0].expected.empty() ? "-" : fmt::format("{:.2e}", way.against_expected),
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
      ->check(existing_path());
  options->files.add_input(verb, "FILE with inputs, each a stack: .npy or .pb, or .npz by name");
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
  options->cut.add_options(verb, true);
  verb->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hyps::cli
