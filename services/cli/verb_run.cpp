// hyps run: a model or a folder of bundles in this process; the smallest form of the product.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"
#include "common/onnx/onnx.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/inputs.hpp"
#include "services/cli/local_run.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxPayloadBytes = 256U << 20U;

struct Options {
  ModelFiles files;
  std::string output;
  int threads = 0;
  int top = 5;
};

Status write_outputs(const std::string& path, const FolderResult& result) {
  const std::string_view name = path;
  if (name.ends_with(".npz")) {
    npz::Arrays arrays;
    for (std::size_t i = 0; i < result.outputs.size(); ++i) {
      arrays.emplace(result.output_values[i].name, result.outputs[i]);
    }
    HYPS_TRY(const std::string archive, npz::to_npz(arrays));
    return write_file(path, archive);
  }
  const bool is_npy = name.ends_with(".npy");
  if (!is_npy && !name.ends_with(".pb")) {
    return Error{ErrorKind::invalid, path + ": write to a file named .npy, .pb or .npz"};
  }
  if (result.outputs.size() > 1) {
    return Error{ErrorKind::invalid,
                 fmt::format("{} holds one tensor and the model has {} outputs: "
                             "write them to a file named .npz",
                             path, result.outputs.size())};
  }
  return write_file(
      path, is_npy ? cnn::to_npy(result.outputs[0])
                   : onnx::to_tensor_proto(result.outputs[0], result.output_values[0].name));
}

Error nothing_to_run_on() {
  return {ErrorKind::invalid,
          "say what to run on: --input FILE, a JPEG, PNG, PPM, TensorProto (.pb), .npy or .npz"};
}

Result<FolderResult> run_model(const Options& options, engine::Engine& engine) {
  HYPS_TRY(const Model model, load_model(options.files));
  if (model.payload.empty()) return nothing_to_run_on();
  HYPS_TRY(const auto inputs, load_inputs(model.payload, model));
  FolderResult result;
  HYPS_TRY(result.outputs, run_whole(model.graph, inputs, engine));
  result.output_values = model.graph.outputs;
  result.answer = image::report(result.output_values, result.outputs,
                                image::parse_labels(model.labels_text), options.top);
  return result;
}

Result<FolderResult> run_bundles(const Options& options, engine::Engine& engine) {
  HYPS_TRY(const Inputs inputs, parse_inputs(options.files.inputs));
  if (!inputs.given.empty()) {
    return Error{ErrorKind::invalid,
                 "a folder of partitions has its inputs fixed already; say what it is about them "
                 "to `hyps partition`"};
  }
  if (inputs.payload.empty()) return nothing_to_run_on();
  HYPS_TRY(const Blob payload, read_file(inputs.payload, kMaxPayloadBytes));
  return run_folder(options.files.model, payload, engine);
}

void print_classes(const json& classes, int top) {
  Table table({"score", "id", "label"});
  int rows = 0;
  for (const auto& entry : classes) {
    if (rows++ == top) break;
    const auto& score = entry.at("score");
    table.add({score.is_number() ? fmt::format("{:.6f}", score.get<double>()) : "nan",
               fmt::format("{}", entry.at("id").get<int>()), entry.value("label", "")});
  }
  fmt::print("{}", table.text());
}

// The first values of an output; how many there are is in its shape.
std::string first_values(const json& output) {
  constexpr std::size_t kShown = 6;
  std::string text;
  const json values = output.value("values", json::array());
  for (std::size_t i = 0; i < std::min(values.size(), kShown); ++i) text += values[i].dump() + " ";
  return values.size() > kShown || !output.contains("values") ? text + "…" : text;
}

void print_outputs(const json& outputs) {
  Table table({"output", "type", "shape", "values"});
  for (const json& output : outputs) {
    table.add({output.value("name", ""), output.value("type", ""),
               cnn::to_string(output.at("shape").get<cnn::Shape>()), first_values(output)});
  }
  fmt::print("{}", table.text());
}

Result<int> run(const Cli& cli, const Options& options) {
  const auto engine = engine::make_onednn_engine(options.threads);
  const bool is_folder = std::filesystem::is_directory(options.files.model);
  HYPS_TRY(const FolderResult result,
           is_folder ? run_bundles(options, *engine) : run_model(options, *engine));
  if (!options.output.empty()) HYPS_CHECK(write_outputs(options.output, result));
  if (cli.json()) {
    fmt::print("{}\n", result.answer);
    return kOk;
  }
  const json answer = json::parse(result.answer);
  if (answer.contains("top")) {
    print_classes(answer.at("top"), options.top);
  } else {
    print_outputs(answer.at("outputs"));
  }
  return kOk;
}

}  // namespace

void add_run(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      cli.add_verb("run", "Run a model or a folder of partitions in one process", true);
  verb->add_option("model", options->files.model, "MODEL.onnx, or a folder from `hyps partition`")
      ->required()
      ->check(existing_path());
  options->files.add_input(verb,
                           "FILE to run on: JPEG, PNG, PPM, TensorProto (.pb), .npy, or .npz with "
                           "an array for each input");
  verb->add_option("--output", options->output,
                   "Write the output to this .npy or .pb, or all outputs to this .npz");
  verb->add_option("--threads", options->threads, "0: as many as the CPU quota allows")
      ->check(CLI::Range(0, 256));
  verb->add_option("--top", options->top, "How many classes to print")->capture_default_str();
  options->files.add_options(verb);
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
