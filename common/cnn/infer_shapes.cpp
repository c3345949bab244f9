#include <utility>

#include "common/cnn/graph.hpp"
#include "common/cnn/limits.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::cnn {

namespace {

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

Error invalid(const char* what, const std::string& name, const std::string& fault) {
  return invalid(fault).about(std::string(what) + " '" + name + "'");
}

Error unknown_operator(const Node& node) {
  std::string known;
  for (const Operator& entry : all_operators()) {
    if (!known.empty()) known += ", ";
    known += entry.type;
  }
  return {ErrorKind::unsupported,
          node.op + " '" + node.name + "': operator is not supported; supported are " + known};
}

Status check_weights(const Graph& graph) {
  for (const auto& [name, tensor] : graph.weights) {
    if (const std::string fault = tensor_fault(tensor); !fault.empty()) {
      return invalid("weight", name, fault);
    }
  }
  return {};
}

Status define(Graph& graph, Value value) {
  if (graph.is_weight(value.name) || graph.values.contains(value.name)) {
    return invalid("value '" + value.name + "' is defined twice");
  }
  const std::string name = value.name;
  graph.values.emplace(name, std::move(value));
  return {};
}

Status define_inputs(Graph& graph) {
  for (const Value& input : graph.inputs) {
    std::string fault = shape_fault(input.shape, input.type);
    if (fault.empty() && element_count(input.shape) == 0) fault = "it has no elements";
    if (!fault.empty()) return invalid("graph input", input.name, fault);
    HYPS_CHECK(define(graph, input));
  }
  return {};
}

Status check_inputs_exist(const Graph& graph, const NodeContext& context) {
  for (const std::string& name : context.node.inputs) {
    if (!name.empty() && !graph.is_weight(name) && !graph.values.contains(name)) {
      return context.error("its input '" + name + "' is computed by no node before it");
    }
  }
  return {};
}

Status check_opset(const NodeContext& context, const Operator& op) {
  if (context.opset >= op.opset_min && context.opset <= op.opset_max) return {};
  Error error = context.error("opset " + std::to_string(context.opset) +
                              " is not supported; convert the model to opset " +
                              std::to_string(op.opset_min) + " to " + std::to_string(op.opset_max));
  error.kind = ErrorKind::unsupported;
  return error;
}

Status infer_node(Graph& graph, const Node& node) {
  const Operator* op = find_operator(node.op);
  if (op == nullptr) return unknown_operator(node);
  const NodeContext context = context_of(graph, node);
  HYPS_CHECK(check_opset(context, *op));
  HYPS_CHECK(check_inputs_exist(graph, context));
  HYPS_TRY(std::vector<Value> outputs, op->infer(context));
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    outputs.at(i).name = node.outputs[i];
    if (auto status = define(graph, std::move(outputs[i])); !status.ok()) {
      return context.error(status.error().message);
    }
  }
  return {};
}

}  // namespace

Status infer_shapes(Graph& graph) {
  graph.values.clear();
  HYPS_CHECK(check_weights(graph));
  HYPS_CHECK(define_inputs(graph));
  for (const Node& node : graph.nodes) HYPS_CHECK(infer_node(graph, node));
  for (Value& output : graph.outputs) {
    const auto found = graph.values.find(output.name);
    if (found == graph.values.end()) {
      return invalid("graph output '" + output.name + "' is computed by no node");
    }
    output = found->second;
  }
  return {};
}

}  // namespace hyps::cnn
