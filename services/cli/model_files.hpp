// A model on disk with what belongs to it: MODEL.onnx, MODEL.yaml (preprocessing) and
// MODEL.labels.txt beside it, unless others are named.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/image/image.hpp"
#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"

namespace hyps::cli {

struct ModelFiles {
  std::string model;                // path as given
  std::string labels;               // path; empty: beside the model if there
  std::string preprocess;           // path; empty: beside the model if there, else ImageNet's usual
  std::vector<std::string> inputs;  // as given (inputs.hpp)

  void add_options(CLI::App* verb);  // labels, preprocessing
  // What is said of inputs; `what`: what to run on, where the verb takes that too.
  void add_input(CLI::App* verb, const std::string& what = "");
};

struct Model {
  std::string name;  // from the file name, made valid
  std::filesystem::path file;
  cnn::Graph graph;
  onnx::GivenInputs given;  // shapes of all inputs by name, if anything was given
  std::string payload;      // path of what to run on; empty: none was given
  std::string labels_text;
  image::Preprocess preprocess;
};
Result<Model> load_model(const ModelFiles& files);
// Of verbs that run nothing. Error: invalid, if there is something to run on.
Status check_no_payload(const Model& model);

// "my net.onnx" → "my_net"
std::string model_name_of(const std::filesystem::path& file);

// How to cut, as options of plan, partition, run and verify.
struct CutOptions {
  std::string threshold;  // "30M" parameters
  std::string memory;     // "64M" a device
  int workers = 0;        // as many devices of that memory
  std::string cut_after;  // "pool1,pool2"
  std::string slices;     // "fc6=4,conv5_1=2"
  std::string tiles;      // "conv1_1..pool1=4"
  std::string plan_file;  // JSON
  std::string objective = "latency";

  void add_options(CLI::App* verb, bool several_thresholds);
  [[nodiscard]] bool given() const {
    return !threshold.empty() || !memory.empty() || workers > 0 || !cut_after.empty() ||
           !slices.empty() || !tiles.empty() || !plan_file.empty();
  }
};
// The plan these options ask for; without any, one V-partition.
Result<partition::Plan> plan_with(const Model& model, const CutOptions& options);

// The model's inputs, made of what a user would send.
Result<std::vector<cnn::Tensor>> load_inputs(const std::string& path, const Model& model);

std::vector<std::string> split(const std::string& text, char separator);

}  // namespace hyps::cli
