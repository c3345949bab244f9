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
#include "common/partition/partition.hpp"

namespace hyps::cli {

struct ModelFiles {
  std::string model;        // path as given
  std::string labels;       // path; empty: beside the model if there
  std::string preprocess;   // path; empty: beside the model if there, else ImageNet's usual
  std::string input_shape;  // "1x3x224x224", of a model that leaves it open

  void add_options(CLI::App* verb);  // all of them
  void add_input_shape(CLI::App* verb);
};

struct Model {
  std::string name;  // from the file name, made valid
  std::filesystem::path file;
  cnn::Graph graph;
  cnn::Shape input_shape;  // as given; empty: as the file says
  std::string labels_text;
  image::Preprocess preprocess;
};
Result<Model> load_model(const ModelFiles& files);

// "my net.onnx" → "my_net"
std::string model_name_of(const std::filesystem::path& file);

// How to cut, as options of plan, partition, run and verify.
struct CutOptions {
  std::string threshold;  // "30M" parameters
  std::string memory;     // "64M" a device
  int workers = 0;        // as many devices of that memory
  std::string cut_after;  // "pool1,pool2"
  std::string slices;     // "fc6=4,conv5_1=2"
  std::string plan_file;  // JSON

  void add_options(CLI::App* verb, bool several_thresholds);
  [[nodiscard]] bool given() const {
    return !threshold.empty() || !memory.empty() || workers > 0 || !cut_after.empty() ||
           !slices.empty() || !plan_file.empty();
  }
};
// The plan these options ask for; without any, one V-partition.
Result<partition::Plan> plan_with(const Model& model, const CutOptions& options);

// A tensor or image file as bytes for image::ingest, and the tensor it becomes.
Result<cnn::Tensor> load_input(const std::string& path, const Model& model);

std::vector<std::string> split(const std::string& text, char separator);

}  // namespace hyps::cli
