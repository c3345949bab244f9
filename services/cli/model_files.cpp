#include "services/cli/model_files.hpp"

#include <fmt/format.h>

#include <charconv>

#include "common/base/file.hpp"
#include "common/base/ids.hpp"
#include "common/base/units.hpp"
#include "common/onnx/onnx.hpp"
#include "common/planning/planning.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/inputs.hpp"

namespace hyps::cli {

namespace {

constexpr std::size_t kMaxTextBytes = 4U << 20U;
constexpr std::size_t kMaxInputBytes = 256U << 20U;

// The file named, or the one beside the model if it is there; "" if neither.
Result<std::string> text_of(const std::string& given, const std::filesystem::path& beside) {
  if (given.empty() && !std::filesystem::exists(beside)) return std::string();
  const auto text = read_file(given.empty() ? beside : std::filesystem::path(given), kMaxTextBytes);
  if (!text) return text.error();
  return std::string(text->text());
}

Result<std::map<std::string, int>> parse_slices(const std::string& text) {
  std::map<std::string, int> slices;
  for (const std::string& item : split(text, ',')) {
    const std::size_t equals = item.find('=');
    int count = 0;
    const char* end = item.data() + item.size();
    if (equals == std::string::npos ||
        std::from_chars(item.data() + equals + 1, end, count).ptr != end || count < 1) {
      return Error{ErrorKind::invalid, "'" + item + "' has no count; write LAYER=COUNT"};
    }
    slices[item.substr(0, equals)] = count;
  }
  return slices;
}

// "conv1_1..pool1=4": those layers and what is between them, or one layer.
Result<std::vector<partition::Request::Tiles>> parse_tiles(const std::string& text) {
  HYPS_TRY(const auto counts, parse_slices(text));
  std::vector<partition::Request::Tiles> tiles;
  for (const auto& [layers, count] : counts) {
    const std::size_t dots = layers.find("..");
    if (dots == std::string::npos) {
      tiles.push_back({layers, layers, count});
    } else {
      tiles.push_back({layers.substr(0, dots), layers.substr(dots + 2), count});
    }
  }
  return tiles;
}

}  // namespace

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

void ModelFiles::add_options(CLI::App* verb) {
  verb->add_option("--labels", labels, "Class names, one a line [MODEL.labels.txt if there]");
  verb->add_option("--preprocess", preprocess,
                   "YAML that says how an image becomes the input [MODEL.yaml if there, else "
                   "ImageNet's usual]");
}

void ModelFiles::add_input(CLI::App* verb, const std::string& what) {
  verb->add_option("--input", inputs,
                   (what.empty() ? "" : what + "; or ") +
                       "SHAPE (1x3x224x224) of the input that leaves it open, NAME=SHAPE, or "
                       "NAME=FILE.npy: that input is the same in every job (repeatable)")
      ->allow_extra_args(false);
}

std::string model_name_of(const std::filesystem::path& file) {
  std::string name = file.stem().string().substr(0, 64);
  for (char& c : name) {
    if (!is_valid_name(std::string("x") + c)) c = '_';
  }
  return is_valid_name(name) ? name : "model";
}

Result<Model> load_model(const ModelFiles& files) {
  Model model;
  model.file = files.model;
  model.name = model_name_of(model.file);
  HYPS_TRY(Inputs inputs, parse_inputs(files.inputs));
  HYPS_TRY(model.graph, onnx::load(model.file, inputs.given));
  model.payload = std::move(inputs.payload);
  model.given = std::move(inputs.given);
  if (!model.given.empty()) {
    model.given.shape.clear();
    for (const cnn::Value& input : model.graph.inputs) model.given.shapes[input.name] = input.shape;
  }
  const std::filesystem::path stem = model.file.parent_path() / model.file.stem();
  HYPS_TRY(model.labels_text, text_of(files.labels, stem.string() + ".labels.txt"));
  HYPS_TRY(const std::string yaml, text_of(files.preprocess, stem.string() + ".yaml"));
  if (!yaml.empty()) {
    auto preprocess = image::parse_preprocess(yaml);
    if (!preprocess) {
      return preprocess.error().about(files.preprocess.empty() ? stem.string() + ".yaml"
                                                               : files.preprocess);
    }
    model.preprocess = *preprocess;
  }
  return model;
}

Status check_no_payload(const Model& model) {
  if (model.payload.empty()) return {};
  return Error{ErrorKind::invalid,
               fmt::format("--input {} is no SHAPE, NAME=SHAPE or NAME=FILE.npy", model.payload)};
}

void CutOptions::add_options(CLI::App* verb, bool several_thresholds) {
  if (!several_thresholds) {
    verb->add_option("--threshold", threshold,
                     "Parameters a device can hold, as in 30M (HyPS Algorithm 1)");
  }
  verb->add_option("--memory", memory, "Memory a device gives to partitions, as in 64M")
      ->check(number_of_bytes());
  verb->add_option("--workers", workers, "Plan for so many devices of --memory each")
      ->check(CLI::Range(1, 1000));
  verb->add_option("--cut-after", cut_after, "Cut after exactly these layers: pool1,pool2");
  verb->add_option("--slices", slices, "H-partitions of a layer: fc6=4,conv5_1=2");
  verb->add_option("--tiles", tiles,
                   "Tiles of a group of layers, each of which computes a band of rows: "
                   "conv1_1..pool1=4");
  verb->add_option("--plan", plan_file, "Take this plan (JSON) instead of making one")
      ->check(existing_path());
  verb->add_option("--objective", objective,
                   "latency: one answer soon; throughput: a stream of images, each device with as "
                   "little to do for each as possible")
      ->check(CLI::IsMember({"latency", "throughput"}))
      ->capture_default_str();
}

Result<partition::Plan> plan_with(const Model& model, const CutOptions& options) {
  HYPS_TRY(const partition::Objective objective, partition::objective_named(options.objective));
  if (!options.plan_file.empty()) {
    HYPS_TRY(const Blob text, read_file(options.plan_file, kMaxTextBytes));
    auto plan = partition::plan_from_json(std::string(text.text()));
    if (!plan) return plan.error().about(options.plan_file);
    HYPS_CHECK(partition::check(*plan));
    return plan;
  }
  std::int64_t memory = 0;
  if (!options.memory.empty()) {
    HYPS_TRY(memory, parse_bytes(options.memory));
  }
  if (options.workers > 0 && options.threshold.empty() && options.cut_after.empty() &&
      options.slices.empty() && options.tiles.empty()) {
    std::vector<planning::Device> devices;
    for (int i = 1; i <= options.workers; ++i) {
      devices.push_back({.id = WorkerId("w" + std::to_string(i)),
                         .memory_bytes = memory > 0 ? memory : (std::int64_t{1} << 40U),
                         .safe_zone = true});
    }
    return planning::plan_for(model.graph, model.name, devices, objective);
  }
  partition::Request request;
  request.model_name = model.name;
  request.threshold = {partition::Threshold::Unit::bytes,
                       memory > 0 ? memory : (std::int64_t{1} << 40U)};
  if (!options.threshold.empty()) {
    HYPS_TRY(const std::int64_t parameters, parse_count(options.threshold));
    request.threshold = {partition::Threshold::Unit::parameters, parameters};
  }
  request.min_partitions = std::max(1, options.workers);
  request.cut_after = split(options.cut_after, ',');
  HYPS_TRY(request.slices, parse_slices(options.slices));
  HYPS_TRY(request.tiles, parse_tiles(options.tiles));
  HYPS_TRY(auto plan, partition::make_plan(model.graph, request));
  plan.objective = objective;
  return plan;
}

Result<std::vector<cnn::Tensor>> load_inputs(const std::string& path, const Model& model) {
  HYPS_TRY(const Blob payload, read_file(path, kMaxInputBytes));
  auto tensors = image::ingest(payload, model.preprocess, model.graph.inputs, &onnx::parse_tensor);
  if (!tensors) return tensors.error().about(path);
  return tensors;
}

}  // namespace hyps::cli
