// ONNX messages for tests, built by hand: the importer's tests must not lean on the exporter.
#pragma once

#ifndef ONNX_ML
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#endif
#include <gmock/gmock.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/file.hpp"
#include "common/cnn/graph.hpp"
#include "common/onnx/onnx.hpp"

namespace hyps::onnx::test {

using ::onnx::ModelProto;
using ::onnx::TensorProto;
using Dims = std::vector<std::int64_t>;

inline ::onnx::ValueInfoProto& add_value(
    google::protobuf::RepeatedPtrField<::onnx::ValueInfoProto>& values, const std::string& name,
    const Dims& dims, int type = TensorProto::FLOAT) {
  auto& value = *values.Add();
  value.set_name(name);
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();
  for (const std::int64_t dim : dims) tensor.mutable_shape()->add_dim()->set_dim_value(dim);
  return value;
}

inline ::onnx::NodeProto& add_node(ModelProto& model, const std::string& op,
                                   const std::vector<std::string>& inputs,
                                   const std::string& output) {
  auto& node = *model.mutable_graph()->add_node();
  node.set_op_type(op);
  for (const auto& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

inline TensorProto& add_weight(ModelProto& model, const std::string& name, const Dims& dims,
                               int type = TensorProto::FLOAT) {
  auto& weight = *model.mutable_graph()->add_initializer();
  weight.set_name(name);
  weight.set_data_type(type);
  for (const std::int64_t dim : dims) weight.add_dims(dim);
  return weight;
}

inline void set_raw(TensorProto& weight, const std::vector<float>& values) {
  weight.set_raw_data(values.data(), values.size() * sizeof(float));
}

inline void set_external(TensorProto& weight, const std::string& location,
                         const std::string& offset = "", const std::string& length = "") {
  weight.set_data_location(TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    auto& entry = *weight.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  add("location", location);
  add("offset", offset);
  add("length", length);
}

inline ModelProto empty_model(int opset = 13) {
  ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  model.mutable_graph()->set_name("test");
  return model;
}

// y = relu(x + w), of shape [1,4]; w = 1, 2, 3, 4.
inline ModelProto small_model() {
  ModelProto model = empty_model();
  add_value(*model.mutable_graph()->mutable_input(), "x", {1, 4});
  add_value(*model.mutable_graph()->mutable_output(), "y", {1, 4});
  set_raw(add_weight(model, "w", {4}), {1, 2, 3, 4});
  add_node(model, "Add", {"x", "w"}, "sum");
  add_node(model, "Relu", {"sum"}, "y");
  return model;
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Loads from a folder of its own, in which the test may put files first.
class Loading : public testing::Test {
 protected:
  Result<cnn::Graph> load_bytes(const std::string& bytes) {
    write_bytes(path(), bytes);
    return load(path());
  }
  Result<cnn::Graph> load_model(const ModelProto& model, const GivenInputs& given = {}) {
    write_bytes(path(), model.SerializeAsString());
    return load(path(), given);
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "model.onnx"; }

  TemporaryFolder folder_;
};

MATCHER_P2(FailsWith, kind, text, "") {
  if (arg.ok()) {
    *result_listener << "it succeeded";
    return false;
  }
  *result_listener << to_string(arg.error().kind) << ": " << arg.error().message;
  return arg.error().kind == kind && arg.error().message.find(text) != std::string::npos &&
         arg.error().message.find('\n') == std::string::npos;
}

MATCHER(Succeeds, "") {
  if (!arg.ok()) *result_listener << arg.error().message;
  return arg.ok();
}

}  // namespace hyps::onnx::test
