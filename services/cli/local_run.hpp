// Running a model or a folder of partition bundles in this process: no broker, no cluster.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/engine/engine.hpp"
#include "common/partition/plan.hpp"

namespace hyps::cli {

// Whole, in one piece.
Result<std::vector<cnn::Tensor>> run_whole(const cnn::Graph& graph,
                                           const std::vector<cnn::Tensor>& inputs,
                                           engine::Engine& engine);

// By name: what crosses between the partitions of the plan, inputs and outputs of the model
// included.
Result<std::map<std::string, cnn::Tensor>> run_all(const cnn::Graph& graph,
                                                   const partition::Plan& plan,
                                                   const std::vector<cnn::Tensor>& inputs,
                                                   engine::Engine& engine);

// Cut by the plan, one partition after another, each loaded, run and dropped.
Result<std::vector<cnn::Tensor>> run_partitioned(const cnn::Graph& graph,
                                                 const partition::Plan& plan,
                                                 const std::vector<cnn::Tensor>& inputs,
                                                 engine::Engine& engine);

// A folder that `hyps partition` wrote: payload (image, TensorProto, .npy, .npz) in; the model's
// outputs and the report's JSON out.
struct FolderResult {
  std::vector<cnn::Value> output_values;
  std::vector<cnn::Tensor> outputs;
  std::string answer;
};
Result<FolderResult> run_folder(const std::filesystem::path& folder, const Blob& payload,
                                engine::Engine& engine);

// Largest |a - b| over the largest |b| (and 0 for two equal tensors); infinite where one is not
// finite and the other is, where types or shapes differ, and where integers do.
double relative_error(const cnn::Tensor& a, const cnn::Tensor& b);

}  // namespace hyps::cli
