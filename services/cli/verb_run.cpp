// hyps run: a model or a folder of bundles in this process; the smallest form of the product.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/onnx/onnx.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/local_run.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

struct Options {
  ModelFiles files;
  std::string input;
  std::string output;
  int threads = 0;
  int top = 5;
};

bool ends_with(const std::string& text, const char* ending) {
  return std::string_view(text).ends_with(ending);
}

Status write_output(const std::string& path, const cnn::Value& value, const cnn::Tensor& tensor) {
  if (ends_with(path, ".npy")) return write_file(path, cnn::to_npy(tensor));
  if (ends_with(path, ".pb")) return write_file(path, onnx::to_tensor_proto(tensor, value.name));
  return Error{ErrorKind::invalid, path + ": write to a file named .npy or .pb"};
}

Result<FolderResult> run_model(const Options& options, engine::Engine& engine) {
  HYPS_TRY(const Model model, load_model(options.files));
  HYPS_TRY(const cnn::Tensor input, load_input(options.input, model));
  FolderResult result;
  HYPS_TRY(result.outputs, run_whole(model.graph, input, engine));
  result.output_values = model.graph.outputs;
  result.answer = image::report(model.graph.outputs[0].name, result.outputs[0],
                                image::parse_labels(model.labels_text), options.top);
  return result;
}

void print_answer(const std::string& answer, int top) {
  const auto json = nlohmann::json::parse(answer);
  Table table({"score", "id", "label"});
  int rows = 0;
  for (const auto& entry : json.at("top")) {
    if (rows++ == top) break;
    table.add({fmt::format("{:.6f}", entry.at("score").get<double>()),
               fmt::format("{}", entry.at("id").get<int>()), entry.value("label", "")});
  }
  fmt::print("{}", table.text());
}

Result<int> run(const Cli& cli, const Options& options) {
  const auto engine = engine::make_onednn_engine(options.threads);
  FolderResult result;
  if (std::filesystem::is_directory(options.files.model)) {
    HYPS_TRY(const Blob payload, read_file(options.input, 256U << 20U));
    HYPS_TRY(result, run_folder(options.files.model, payload, *engine));
  } else {
    HYPS_TRY(result, run_model(options, *engine));
  }
  if (!options.output.empty()) {
    HYPS_CHECK(write_output(options.output, result.output_values[0], result.outputs[0]));
  }
  if (cli.json()) {
    fmt::print("{}\n", result.answer);
  } else {
    print_answer(result.answer, options.top);
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
      ->check(CLI::ExistingPath);
  verb->add_option("--input", options->input, "JPEG, PNG, PPM, TensorProto (.pb) or .npy")
      ->required()
      ->check(CLI::ExistingFile);
  verb->add_option("--output", options->output, "Write the (first) output to this .npy or .pb");
  verb->add_option("--threads", options->threads, "0: as many as the CPU quota allows")
      ->check(CLI::Range(0, 256));
  verb->add_option("--top", options->top, "How many classes to print")->capture_default_str();
  options->files.add_options(verb);
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
