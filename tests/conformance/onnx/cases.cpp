#include "tests/conformance/onnx/cases.hpp"

#ifndef ONNX_ML
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#endif
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "common/base/file.hpp"
#include "common/cnn/operator.hpp"
#include "common/onnx/onnx.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::conformance {

namespace {

namespace fs = std::filesystem;
using ::onnx::ModelProto;
using ::onnx::TensorProto;

constexpr const char* data_folder = "/usr/share/libonnx-testdata/data";
constexpr std::array<const char*, 4> suites{"node", "pytorch-converted", "pytorch-operator",
                                            "simple"};
constexpr int min_opset = 7;
constexpr int max_opset = 17;

ModelProto read_model(const fs::path& folder) {
  ModelProto model;
  std::ifstream stream(folder / "model.onnx", std::ios::binary);
  model.ParseFromIstream(&stream);
  return model;
}

bool is_supported_type(int type) {
  return type == TensorProto::FLOAT || type == TensorProto::INT64 || type == TensorProto::INT32 ||
         type == TensorProto::UINT8 || type == TensorProto::BOOL;
}

bool has_supported_types(const ModelProto& model) {
  const auto fits = [](const auto& value) {
    return value.type().has_tensor_type() &&
           is_supported_type(value.type().tensor_type().elem_type());
  };
  const auto& graph = model.graph();
  return std::all_of(graph.input().begin(), graph.input().end(), fits) &&
         std::all_of(graph.output().begin(), graph.output().end(), fits);
}

int opset_of(const ModelProto& model) {
  for (const auto& import : model.opset_import()) {
    if (import.domain().empty()) return static_cast<int>(import.version());
  }
  return 0;
}

// An operator that did not change between an old opset and the oldest of ours means the same in
// both, so the old case may be run under ours.
bool means_the_same(const std::string& op, int opset) {
  const auto* old = ::onnx::OpSchemaRegistry::Schema(op, opset, "");
  const auto* ours = ::onnx::OpSchemaRegistry::Schema(op, min_opset, "");
  return old != nullptr && ours != nullptr && old->SinceVersion() == ours->SinceVersion();
}

bool has_usable_opset(const ModelProto& model) {
  const int opset = opset_of(model);
  if (opset >= min_opset) return opset <= max_opset;
  const auto& nodes = model.graph().node();
  return std::all_of(nodes.begin(), nodes.end(), [&](const auto& node) {
    return opset > 0 && means_the_same(node.op_type(), opset);
  });
}

// Nodes that ask for what only training needs; hyps runs inference and refuses them.
bool is_training(const ::onnx::NodeProto& node) {
  if (node.op_type() == "Dropout") return node.input_size() > 2 && !node.input(2).empty();
  return std::any_of(node.attribute().begin(), node.attribute().end(), [](const auto& attribute) {
    return attribute.name() == "training_mode" && attribute.i() != 0;
  });
}

cnn::Tensor read_tensor(const fs::path& path) {
  const auto file = map_file(path);
  const auto tensor = file ? onnx::parse_tensor(file.value()) : file.error();
  return tensor ? tensor.value() : cnn::Tensor{};
}

std::vector<cnn::Tensor> read_tensors(const fs::path& folder, const char* prefix) {
  std::vector<cnn::Tensor> tensors;
  for (int i = 0;; ++i) {
    const fs::path path = folder / (prefix + std::to_string(i) + ".pb");
    if (!fs::exists(path)) return tensors;
    tensors.push_back(read_tensor(path));
  }
}

// Loads the message by way of a file, the importer's only entrance.
Result<cnn::Graph> load_model(ModelProto model) {
  if (opset_of(model) < min_opset) {
    for (auto& import : *model.mutable_opset_import()) {
      if (import.domain().empty()) import.set_version(min_opset);
    }
  }
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "model.onnx";
  HYPS_CHECK(write_file(path, model.SerializeAsString()));
  return onnx::load(path);
}

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* suite : suites) {
    const fs::path folder = fs::path(data_folder) / suite;
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!fs::exists(entry.path() / "model.onnx")) continue;
      cases.push_back({std::string(suite) + "/" + entry.path().filename().string(), entry.path()});
    }
  }
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

Eligibility eligibility(const Case& test_case) {
  const ModelProto model = read_model(test_case.folder);
  for (const auto& node : model.graph().node()) {
    if (!node.domain().empty()) return Eligibility::other_domain;
    if (cnn::find_operator(node.op_type()) == nullptr) return Eligibility::other_operator;
  }
  if (!has_usable_opset(model)) return Eligibility::other_opset;
  if (!has_supported_types(model)) return Eligibility::other_type;
  const auto& nodes = model.graph().node();
  if (std::any_of(nodes.begin(), nodes.end(), is_training)) return Eligibility::training;
  return Eligibility::eligible;
}

std::vector<DataSet> data_sets(const Case& test_case) {
  std::vector<DataSet> sets;
  for (int i = 0;; ++i) {
    const fs::path folder = test_case.folder / ("test_data_set_" + std::to_string(i));
    if (!fs::exists(folder)) return sets;
    sets.push_back({read_tensors(folder, "input_"), read_tensors(folder, "output_")});
  }
}

Result<cnn::Graph> load_as_is(const Case& test_case) {
  return load_model(read_model(test_case.folder));
}

Result<cnn::Graph> load_with_weights(const Case& test_case, const DataSet& data,
                                     std::size_t first) {
  ModelProto model = read_model(test_case.folder);
  auto& graph = *model.mutable_graph();
  std::vector<std::string> free_inputs;  // those the data set has files for
  for (const auto& input : graph.input()) {
    const auto& weights = graph.initializer();
    const bool is_weight = std::any_of(weights.begin(), weights.end(), [&](const auto& weight) {
      return weight.name() == input.name();
    });
    if (!is_weight) free_inputs.push_back(input.name());
  }
  for (std::size_t i = first; i < free_inputs.size() && i < data.inputs.size(); ++i) {
    graph.add_initializer()->ParseFromString(onnx::to_tensor_proto(data.inputs[i], free_inputs[i]));
  }
  return load_model(model);
}

std::map<std::string, std::string> cannot_pass() {
  std::map<std::string, std::string> list;
  std::ifstream file(test::source_dir() / "tests/conformance/onnx/cannot_pass.txt");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.empty() || line.front() == '#' || colon == std::string::npos) continue;
    list.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return list;
}

}  // namespace hyps::conformance
