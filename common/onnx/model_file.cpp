#include "common/onnx/model_file.hpp"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "common/base/file.hpp"
#include "common/onnx/names.hpp"

namespace hyps::onnx {

namespace {

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }
Error unsupported(std::string message) { return {ErrorKind::unsupported, std::move(message)}; }

Result<::onnx::ModelProto> parse(const Blob& bytes) {
  if (bytes.empty()) return invalid("the file is empty");
  if (bytes.size() > std::numeric_limits<int>::max()) {
    return unsupported("the file has 2 GB or more; save it with its weights as external data");
  }
  ::onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return invalid("no ONNX file, or a truncated one");
  }
  if (!model.has_graph()) return invalid("no ONNX model: it has no graph");
  return model;
}

Status check_ir_version(const ::onnx::ModelProto& model) {
  if (model.ir_version() >= min_ir_version) return {};
  return unsupported(
      fmt::format("IR version {} is not supported, {} and later are; convert the model with a "
                  "current ONNX exporter",
                  model.ir_version(), min_ir_version));
}

Status check_opset(const ::onnx::ModelProto& model) {
  std::optional<std::int64_t> opset;
  for (const auto& import : model.opset_import()) {
    if (!is_default_domain(import.domain())) continue;
    if (opset.has_value() && *opset != import.version()) {
      return invalid(fmt::format("the default operator set is imported twice, as {} and {}", *opset,
                                 import.version()));
    }
    opset = import.version();
  }
  if (!opset.has_value()) {
    return unsupported("the model imports no version of the default operator set");
  }
  if (*opset < min_opset || *opset > max_opset) {
    return unsupported(fmt::format("opset {} is not supported, {} to {} are; convert the model",
                                   *opset, min_opset, max_opset));
  }
  return {};
}

Status check_size(const ::onnx::GraphProto& graph) {
  if (graph.sparse_initializer_size() > 0) {
    return unsupported("sparse initializers are not supported; save the weights as dense tensors");
  }
  if (graph.node_size() > max_nodes) {
    return invalid(
        fmt::format("{} nodes are more than the {} allowed", graph.node_size(), max_nodes));
  }
  return {};
}

}  // namespace

bool is_default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

Result<::onnx::ModelProto> read_model(const std::filesystem::path& file) {
  HYPS_TRY(const Blob bytes, map_file(file));
  HYPS_TRY(::onnx::ModelProto model, parse(bytes));
  HYPS_CHECK(check_ir_version(model));
  HYPS_CHECK(check_opset(model));
  if (model.functions_size() > 0) {
    return unsupported("model-local functions are not supported; export the model without them");
  }
  HYPS_CHECK(check_size(model.graph()));
  HYPS_CHECK(check_names(model.graph()));
  return model;
}

int opset_of(const ::onnx::ModelProto& model) {
  for (const auto& import : model.opset_import()) {
    if (is_default_domain(import.domain())) return static_cast<int>(import.version());
  }
  return 0;
}

}  // namespace hyps::onnx
