#include <onnx/onnx_pb.h>

#include <optional>

#include "common/base/file.hpp"
#include "common/onnx/attributes.hpp"
#include "common/onnx/onnx.hpp"
#include "common/onnx/tensor_proto.hpp"
#include "common/onnx/weights_file.hpp"

namespace hyps::onnx {

namespace {

constexpr int ir_version = 8;  // ONNX 1.10 to 1.12, which brought opset 15 to 17
constexpr std::size_t inline_limit_bytes = 1024;

void add_entry(::onnx::TensorProto& proto, const char* key, const std::string& value) {
  auto& entry = *proto.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

// The weights file, made when the first weight needs it.
class Weights {
 public:
  explicit Weights(std::filesystem::path path) : path_(std::move(path)) {}

  Status write(const cnn::Tensor& tensor, ::onnx::TensorProto& proto) {
    if (!file_) file_.emplace(path_);
    HYPS_TRY(const std::size_t offset, file_->append(tensor.data));
    proto.set_data_location(::onnx::TensorProto::EXTERNAL);
    add_entry(proto, "location", path_.filename().string());
    add_entry(proto, "offset", std::to_string(offset));
    add_entry(proto, "length", std::to_string(tensor.data.size()));
    return {};
  }
  Status finish() { return file_ ? file_->finish() : Status{}; }

 private:
  std::filesystem::path path_;
  std::optional<WeightsFile> file_;
};

void write_value(const cnn::Value& value, ::onnx::ValueInfoProto& proto) {
  proto.set_name(value.name);
  auto& type = *proto.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx_type_of(value.type));
  type.mutable_shape();  // a scalar has a shape too
  for (const std::int64_t extent : value.shape) {
    type.mutable_shape()->add_dim()->set_dim_value(extent);
  }
}

void write_node(const cnn::Node& node, ::onnx::NodeProto& proto) {
  proto.set_op_type(node.op);
  proto.set_name(node.name);
  for (const std::string& input : node.inputs) proto.add_input(input);
  for (const std::string& output : node.outputs) proto.add_output(output);
  for (const auto& [name, attribute] : node.attributes) {
    write_attribute(name, attribute, *proto.add_attribute());
  }
}

Status write_weights(const cnn::Graph& graph, Weights& weights, ::onnx::GraphProto& proto) {
  for (const auto& [name, tensor] : graph.weights) {
    auto& initializer = *proto.add_initializer();
    if (tensor.data.size() < inline_limit_bytes) {
      fill_inline(tensor, name, initializer);
      continue;
    }
    fill_form(tensor, name, initializer);
    HYPS_CHECK(weights.write(tensor, initializer));
  }
  return weights.finish();
}

Status check_weights_name(const std::string& name) {
  if (!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos) {
    return {};
  }
  return Error{ErrorKind::invalid, "'" + name + "' is no name for a weights file"};
}

}  // namespace

Status save(const cnn::Graph& graph, const std::filesystem::path& file,
            const std::string& weights_name) {
  HYPS_CHECK(check_weights_name(weights_name));
  ::onnx::ModelProto model;
  model.set_ir_version(ir_version);
  model.set_producer_name("hyps");
  auto& import = *model.add_opset_import();
  import.set_domain("");
  import.set_version(graph.opset);
  auto& proto = *model.mutable_graph();
  proto.set_name(graph.name.empty() ? "model" : graph.name);
  for (const cnn::Value& input : graph.inputs) write_value(input, *proto.add_input());
  for (const cnn::Value& output : graph.outputs) write_value(output, *proto.add_output());
  for (const cnn::Node& node : graph.nodes) write_node(node, *proto.add_node());
  Weights weights(file.parent_path() / weights_name);
  HYPS_CHECK(write_weights(graph, weights, proto));
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    return Error{ErrorKind::unsupported, file.string() +
                                             ": the graph without its large weights "
                                             "exceeds 2 GB"};
  }
  return write_file(file, bytes);
}

}  // namespace hyps::onnx
