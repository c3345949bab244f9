#include <set>

#include "common/cnn/graph.hpp"
#include "common/cnn/limits.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::cnn {

namespace {

// Constants of other types (a Reshape's target shape) are settings, not parameters.
void add_weights(const Graph& graph, const Node& node, std::set<std::string>& counted, Cost& cost) {
  for (const std::string& name : node.inputs) {
    const auto weight = graph.weights.find(name);
    if (weight == graph.weights.end() || weight->second.type != DType::f32) continue;
    if (!counted.insert(name).second) continue;
    cost.parameters = capped_sum(cost.parameters, element_count(weight->second.shape));
    cost.weight_bytes = 4 * cost.parameters;
  }
}

void add_flops(const Graph& graph, const Node& node, Cost& cost) {
  if (const Operator* op = find_operator(node.op); op != nullptr) {
    cost.flops = capped_sum(cost.flops, op->flops(context_of(graph, node)));
  }
}

}  // namespace

Cost cost_of(const Graph& graph) {
  Cost cost;
  std::set<std::string> counted;
  for (const Node& node : graph.nodes) {
    add_weights(graph, node, counted, cost);
    add_flops(graph, node, cost);
  }
  return cost;
}

Cost cost_of(const Graph& graph, const Node& node) {
  Cost cost;
  std::set<std::string> counted;
  add_weights(graph, node, counted, cost);
  add_flops(graph, node, cost);
  return cost;
}

}  // namespace hyps::cnn
