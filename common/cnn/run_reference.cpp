#include <utility>

#include "common/cnn/graph.hpp"
#include "common/cnn/limits.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::cnn {

namespace {

using Tensors = std::map<std::string, Tensor>;

Status check_input(const Value& expected, const Tensor& given) {
  std::string fault = tensor_fault(given);
  if (fault.empty() && (given.type != expected.type || given.shape != expected.shape)) {
    fault = std::string("it is ") + to_string(given.type) + " " + to_string(given.shape) +
            ", the model takes " + to_string(expected.type) + " " + to_string(expected.shape);
  }
  if (fault.empty()) return {};
  return Error{ErrorKind::invalid, "input '" + expected.name + "': " + fault};
}

// The index of the last node that reads each value; graph outputs are read after all.
std::map<std::string, std::size_t> last_reads(const Graph& graph) {
  std::map<std::string, std::size_t> last;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& name : graph.nodes[i].inputs) last[name] = i;
  }
  for (const Value& output : graph.outputs) last[output.name] = graph.nodes.size();
  return last;
}

std::vector<const Tensor*> operands(const Graph& graph, const Node& node, const Tensors& live) {
  std::vector<const Tensor*> found;
  for (const std::string& name : node.inputs) {
    const auto weight = graph.weights.find(name);
    if (name.empty()) {
      found.push_back(nullptr);
    } else {
      found.push_back(weight != graph.weights.end() ? &weight->second : &live.at(name));
    }
  }
  return found;
}

void run_node(const Graph& graph, const Node& node, Tensors& live) {
  const NodeContext context = context_of(graph, node);
  std::vector<Tensor> results =
      find_operator(node.op)->reference(context, operands(graph, node, live));
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].empty()) live[node.outputs[i]] = std::move(results.at(i));
  }
}

}  // namespace

Result<std::vector<Tensor>> run_reference(const Graph& graph, const std::vector<Tensor>& inputs) {
  if (inputs.size() != graph.inputs.size()) {
    return Error{ErrorKind::invalid, "the model takes " + std::to_string(graph.inputs.size()) +
                                         " inputs, " + std::to_string(inputs.size()) + " given"};
  }
  Tensors live;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    HYPS_CHECK(check_input(graph.inputs[i], inputs[i]));
    live[graph.inputs[i].name] = inputs[i];
  }
  const auto last = last_reads(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    run_node(graph, graph.nodes[i], live);
    for (const std::string& name : graph.nodes[i].inputs) {
      if (last.at(name) == i) live.erase(name);
    }
  }
  std::vector<Tensor> outputs;
  for (const Value& output : graph.outputs) outputs.push_back(live.at(output.name));
  return outputs;
}

}  // namespace hyps::cnn
