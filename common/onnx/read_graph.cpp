#include "common/onnx/read_graph.hpp"

#include <fmt/format.h>

#include <set>

#include "common/onnx/attributes.hpp"
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

// `wanted`: 0 if nobody has said. A batch size left open is one image at a time then; anything
// else must be known.
Result<std::int64_t> read_extent(const ::onnx::TensorShapeProto::Dimension& dimension, int axis,
                                 std::int64_t wanted) {
  if (dimension.has_dim_value() && dimension.dim_value() >= 0) {
    if (wanted == 0 || wanted == dimension.dim_value()) return dimension.dim_value();
    return invalid(fmt::format("dimension {} is {}, and cannot be made {}", axis,
                               dimension.dim_value(), wanted));
  }
  if (wanted > 0) return wanted;
  if (axis == 0) return 1;
  const std::string symbol = dimension.has_dim_param() && !dimension.dim_param().empty()
                                 ? fmt::format("'{}'", dimension.dim_param())
                                 : "without a value";
  return invalid(
      fmt::format("dimension {} ({}) is open; say how large the input is, as in "
                  "--input-shape 1x3x224x224",
                  axis, symbol));
}

Result<cnn::Value> read_input(const ::onnx::ValueInfoProto& proto, const cnn::Shape& wanted) {
  if (!proto.type().has_tensor_type()) {
    return Error{ErrorKind::unsupported, "it is no tensor"};
  }
  const auto& type = proto.type().tensor_type();
  cnn::Value value;
  value.name = proto.name();
  HYPS_TRY(value.type, dtype_of(type.elem_type()));
  if (!type.has_shape() && wanted.empty()) {
    return invalid("it has no shape; say how large it is, as in --input-shape 1x3x224x224");
  }
  const auto rank = static_cast<std::size_t>(type.shape().dim_size());
  if (type.has_shape() && !wanted.empty() && wanted.size() != rank) {
    return invalid(
        fmt::format("it has {} dimensions, and cannot be {}", rank, cnn::to_string(wanted)));
  }
  if (!type.has_shape()) value.shape = wanted;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const int at = static_cast<int>(axis);
    HYPS_TRY(const std::int64_t extent,
             read_extent(type.shape().dim(at), at, wanted.empty() ? 0 : wanted[axis]));
    value.shape.push_back(extent);
  }
  HYPS_CHECK(check_shape(value.shape));
  return value;
}

Status read_inputs(const ::onnx::GraphProto& proto, const cnn::Shape& wanted, cnn::Graph& graph) {
  for (const auto& input : proto.input()) {
    if (input.name().empty()) return invalid("an input has no name");
    if (graph.is_weight(input.name())) continue;
    auto value = read_input(input, wanted);
    if (!value) return value.error().about(fmt::format("input '{}'", input.name()));
    graph.inputs.push_back(std::move(value).value());
  }
  if (!wanted.empty() && graph.inputs.size() != 1) {
    return invalid(
        fmt::format("an input shape is given, but the model has {} inputs", graph.inputs.size()));
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
                              const cnn::Shape& input_shape) {
  cnn::Graph graph;
  graph.name = proto.name();
  graph.opset = opset;
  HYPS_CHECK(check_operators(proto, opset));
  HYPS_CHECK(read_weights(proto, files, graph));
  HYPS_CHECK(read_inputs(proto, input_shape, graph));
  HYPS_CHECK(read_nodes(proto, opset, files, graph));
  HYPS_CHECK(read_outputs(proto, graph));
  return graph;
}

}  // namespace hyps::onnx
