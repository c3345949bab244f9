#include "common/onnx/read_graph.hpp"

#include <fmt/format.h>

#include <set>

#include "common/onnx/attributes.hpp"
#include "common/onnx/read_inputs.hpp"
#include "common/onnx/support.hpp"
#include "common/onnx/tensor_proto.hpp"

namespace hyps::onnx {

namespace {

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

Status read_weights(::onnx::GraphProto& proto, ExternalFiles& files, cnn::Graph& graph) {
  for (auto& weight : *proto.mutable_initializer()) {
    if (weight.name().empty()) return invalid("a weight has no name");
    if (graph.is_weight(weight.name())) {
      return invalid(fmt::format("the weight '{}' is defined twice", weight.name()));
    }
    auto tensor = is_external(weight) ? files.tensor(weight) : take_inline_tensor(weight);
    if (!tensor) return tensor.error().about(fmt::format("weight '{}'", weight.name()));
    graph.weights.emplace(weight.name(), std::move(tensor).value());
  }
  return {};
}

Status read_outputs(const ::onnx::GraphProto& proto, cnn::Graph& graph) {
  std::set<std::string> seen;
  for (const auto& output : proto.output()) {
    if (output.name().empty()) return invalid("an output has no name");
    if (!seen.insert(output.name()).second) {
      return invalid(fmt::format("the output '{}' is listed twice", output.name()));
    }
    graph.outputs.push_back({output.name(), cnn::DType::f32, {}});
  }
  if (graph.outputs.empty()) return invalid("the model has no output");
  return {};
}

// Gives every node a name of its own.
class NodeNames {
 public:
  explicit NodeNames(const ::onnx::GraphProto& proto) {
    for (const auto& node : proto.node()) reserved_.insert(node.name());
  }
  std::string unique(const ::onnx::NodeProto& node, int index) {
    const bool named = !node.name().empty();
    if (named && used_.insert(node.name()).second) return node.name();
    const std::string stem = named ? node.name() : node.op_type();
    int number = named ? 2 : index;
    while (true) {
      std::string name = fmt::format("{}_{}", stem, number++);
      if (!reserved_.contains(name) && used_.insert(name).second) return name;
    }
  }

 private:
  std::set<std::string> reserved_;  // names the model itself gives
  std::set<std::string> used_;
};

Status read_attributes(::onnx::NodeProto& proto, ExternalFiles& files, cnn::Node& node) {
  for (auto& attribute : *proto.mutable_attribute()) {
    const auto [entry, is_new] = node.attributes.try_emplace(attribute.name());
    if (!is_new) return invalid(fmt::format("attribute '{}' is given twice", attribute.name()));
    HYPS_CHECK(read_attribute(attribute, files, entry->second));
  }
  return {};
}

Status read_nodes(::onnx::GraphProto& proto, int opset, ExternalFiles& files, cnn::Graph& graph) {
  NodeNames names(proto);
  graph.nodes.reserve(static_cast<std::size_t>(proto.node_size()));
  for (int i = 0; i < proto.node_size(); ++i) {
    auto& from = *proto.mutable_node(i);
    HYPS_CHECK(check_schema(from, opset));
    cnn::Node node;
    node.op = from.op_type();
    node.name = names.unique(from, i);
    node.inputs.assign(from.input().begin(), from.input().end());
    node.outputs.assign(from.output().begin(), from.output().end());
    if (const Status read = read_attributes(from, files, node); !read) {
      return read.error().about(fmt::format("{} '{}'", node.op, node.name));
    }
    graph.nodes.push_back(std::move(node));
  }
  return {};
}

}  // namespace

Result<cnn::Graph> read_graph(::onnx::GraphProto& proto, int opset, ExternalFiles& files,
                              const GivenInputs& given) {
  cnn::Graph graph;
  graph.name = proto.name();
  graph.opset = opset;
  HYPS_CHECK(check_operators(proto, opset));
  HYPS_CHECK(read_weights(proto, files, graph));
  HYPS_CHECK(read_inputs(proto, given, graph));
  HYPS_CHECK(read_nodes(proto, opset, files, graph));
  HYPS_CHECK(read_outputs(proto, graph));
  return graph;
}

}  // namespace hyps::onnx
