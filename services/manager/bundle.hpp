// Writes a partition as a bundle directory: an ONNX file (or settings) and a manifest. README.md
// says what is in it; hyps::worker::open_bundle reads it.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/partition/plan.hpp"

namespace hyps::manager {

// What came with the model, as text; empty: none was given.
struct BundleInputs {
  std::string labels;      // labels.txt
  std::string preprocess;  // preprocess.yaml; empty: ImageNet's usual
};

// `dir` is created; files of the same names in it are replaced.
// REQUIRES: infer_shapes succeeded on the graph, and the plan is one of it.
Status write_bundle(const cnn::Graph& graph, const partition::Plan& plan,
                    const partition::Partition& part, const BundleInputs& inputs,
                    const std::filesystem::path& dir);

}  // namespace hyps::manager
