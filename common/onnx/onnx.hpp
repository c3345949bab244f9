// ONNX files to graphs and back. The only folder that includes ONNX or protobuf.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::onnx {

// What is said of a model's inputs beside its file.
struct GivenInputs {
  cnn::Shape shape;                          // of the one input that leaves its own open; {}: none
  std::map<std::string, cnn::Shape> shapes;  // by input
  // What is the same in every job: constants of the graph then, and no inputs.
  std::map<std::string, cnn::Tensor> constants;

  [[nodiscard]] bool empty() const { return shape.empty() && shapes.empty() && constants.empty(); }
};

// Reads an ONNX model, checks it, infers shapes and folds constants. The file and its external
// weight files are mapped, not read: weights are slices of the mapping and cost no memory until
// they are touched. Errors: invalid (no ONNX file, truncated, a shape that does not fit, a dynamic
// dimension), unsupported (operator, opset or type; names the node and lists what is supported),
// not_found, io. External paths may not leave the model's folder. `given` fixes inputs, or the open
// dimensions of some; an open first dimension that nobody fixes is taken as 1.
Result<cnn::Graph> load(const std::filesystem::path& file, const GivenInputs& given = {});

// Writes `<file>` and, if there are weights, `<file's folder>/<weights_name>` as external data
// (weights of less than 1 KB stay inside the file). onnx.checker accepts the result.
Status save(const cnn::Graph& graph, const std::filesystem::path& file,
            const std::string& weights_name = "weights.bin");

// The names of the external weight files a model refers to, relative to its folder.
Result<std::vector<std::string>> external_files(const std::filesystem::path& file);

// ONNX TensorProto, as in test_data_set folders.
Result<cnn::Tensor> parse_tensor(const Blob& bytes);
std::string to_tensor_proto(const cnn::Tensor& tensor, const std::string& name);

}  // namespace hyps::onnx
