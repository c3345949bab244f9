#include <set>

#include "common/onnx/external_data.hpp"
#include "common/onnx/model_file.hpp"
#include "common/onnx/onnx.hpp"
#include "common/onnx/read_graph.hpp"
#include "common/onnx/topology.hpp"

namespace hyps::onnx {

namespace {

Result<cnn::Graph> load_model(const std::filesystem::path& file, const GivenInputs& given) {
  HYPS_TRY(::onnx::ModelProto model, read_model(file));
  ExternalFiles files(file.parent_path());
  HYPS_TRY(cnn::Graph graph, read_graph(*model.mutable_graph(), opset_of(model), files, given));
  if (graph.name.empty()) graph.name = file.stem().string();
  HYPS_CHECK(check_and_sort(graph));
  // Reshape and its like need their constants before shapes can be inferred.
  HYPS_CHECK(cnn::fold_constants(graph));
  HYPS_CHECK(cnn::infer_shapes(graph));
  HYPS_CHECK(cnn::fold_constants(graph));
  return graph;
}

Status collect(const ::onnx::TensorProto& tensor, std::set<std::string>& names) {
  if (!is_external(tensor)) return {};
  HYPS_TRY(const ExternalPlace place, external_place(tensor));
  names.insert(place.location);
  return {};
}

Result<std::vector<std::string>> list_external_files(const std::filesystem::path& file) {
  HYPS_TRY(const ::onnx::ModelProto model, read_model(file));
  std::set<std::string> names;
  for (const auto& weight : model.graph().initializer()) HYPS_CHECK(collect(weight, names));
  for (const auto& node : model.graph().node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) HYPS_CHECK(collect(attribute.t(), names));
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace

Result<cnn::Graph> load(const std::filesystem::path& file, const GivenInputs& given) {
  auto graph = load_model(file, given);
  if (!graph) return graph.error().about(file.string());
  return graph;
}

Result<std::vector<std::string>> external_files(const std::filesystem::path& file) {
  auto names = list_external_files(file);
  if (!names) return names.error().about(file.string());
  return names;
}

}  // namespace hyps::onnx
