// Constant folding, in four passes over the nodes, each linear: drop what no output needs, evaluate
// what depends on weights or shapes alone (inferring shapes on the way), short-cut nodes that pass
// their input through, drop again.
#include <algorithm>
#include <set>
#include <utility>

#include "common/cnn/graph.hpp"
#include "common/cnn/limits.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::cnn {

namespace {

using Names = std::set<std::string>;

// What folding may add to memory and spend on arithmetic: a small file must not become a large
// graph, or keep its reader busy. What exceeds it stays a node.
struct Budget {
  std::int64_t bytes = 0;
  std::int64_t flops = 0;
};

Budget budget_for(const Graph& graph) {
  Budget budget{std::int64_t{64} << 20U, std::int64_t{1} << 32U};
  for (const auto& [name, tensor] : graph.weights) {
    budget.bytes = capped_sum(budget.bytes, 2 * static_cast<std::int64_t>(tensor.data.size()));
  }
  return budget;
}

Names output_names(const Graph& graph) {
  Names names;
  for (const Value& output : graph.outputs) names.insert(output.name);
  return names;
}

bool any_of(const std::vector<std::string>& names, const Names& set) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return set.contains(name); });
}

// nullptr for a node that only infer_shapes can judge: it refuses the operator or its opset.
const Operator* operator_of(const Graph& graph, const Node& node) {
  const Operator* op = find_operator(node.op);
  if (op == nullptr || graph.opset < op->opset_min || graph.opset > op->opset_max) return nullptr;
  return op;
}

void drop_optional_outputs(const Graph& graph, Node& node, const Names& needed) {
  const Operator* op = operator_of(graph, node);
  if (op == nullptr) return;
  while (node.outputs.size() > op->required_outputs && !needed.contains(node.outputs.back())) {
    node.outputs.pop_back();
  }
}

void drop_stale_values(Graph& graph) {
  Names known;
  for (const Value& input : graph.inputs) known.insert(input.name);
  for (const Node& node : graph.nodes) known.insert(node.outputs.begin(), node.outputs.end());
  std::erase_if(graph.values, [&](const auto& entry) { return !known.contains(entry.first); });
}

void drop_unneeded(Graph& graph) {
  Names needed = output_names(graph);
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (!any_of(node->outputs, needed)) continue;
    drop_optional_outputs(graph, *node, needed);
    needed.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  std::erase_if(graph.weights, [&](const auto& entry) { return !needed.contains(entry.first); });
  drop_stale_values(graph);
}

bool depends_on_weights_alone(const Graph& graph, const Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& name) {
    return name.empty() || graph.is_weight(name);
  });
}

bool has_known_shapes(const Graph& graph, const Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& name) {
    return name.empty() || graph.is_weight(name) || graph.values.contains(name);
  });
}

bool is_constant(const Graph& graph, const Operator& op, const Node& node) {
  return op.reads_shapes_only ? has_known_shapes(graph, node)
                              : depends_on_weights_alone(graph, node);
}

// Why a constant input cannot be used, or "".
std::string fault_of_constants(const NodeContext& context) {
  for (const Tensor* constant : context.constants) {
    std::string fault = constant == nullptr ? "" : tensor_fault(*constant);
    if (!fault.empty()) return fault;
  }
  return "";
}

void note_input_shapes(Graph& graph) {
  for (const Value& input : graph.inputs) {
    if (shape_fault(input.shape, input.type).empty()) graph.values[input.name] = input;
  }
}

// Later nodes may need the shapes. What does not fit is left to infer_shapes, which says so.
void note_output_shapes(Graph& graph, const Node& node) {
  const Operator* op = operator_of(graph, node);
  if (op == nullptr || !has_known_shapes(graph, node)) return;
  const NodeContext context = context_of(graph, node);
  if (!fault_of_constants(context).empty()) return;
  auto outputs = op->infer(context);
  if (!outputs) return;
  for (std::size_t i = 0; i < node.outputs.size() && i < outputs->size(); ++i) {
    Value& output = outputs->at(i);
    output.name = node.outputs[i];
    if (!output.name.empty()) graph.values[output.name] = std::move(output);
  }
}

bool spend(Budget& budget, const Operator& op, const NodeContext& context) {
  std::int64_t bytes = 0;
  for (const Value& output : context.outputs) bytes = capped_sum(bytes, output.bytes());
  const std::int64_t flops = op.flops(context);
  if (bytes > budget.bytes || flops > budget.flops) return false;
  budget.bytes -= bytes;
  budget.flops -= flops;
  return true;
}

// True if the node became weights.
Result<bool> evaluate(Graph& graph, const Node& node, Budget& budget) {
  const Operator* op = operator_of(graph, node);
  if (op == nullptr || !is_constant(graph, *op, node)) return false;
  NodeContext context = context_of(graph, node);
  if (const std::string fault = fault_of_constants(context); !fault.empty()) {
    return context.error("a constant input: " + fault);
  }
  HYPS_TRY(context.outputs, op->infer(context));
  if (!spend(budget, *op, context)) return false;
  std::vector<Tensor> results = op->reference(context, context.constants);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].empty()) graph.weights[node.outputs[i]] = std::move(results.at(i));
  }
  return true;
}

Status evaluate_constants(Graph& graph) {
  const Names outputs = output_names(graph);
  Budget budget = budget_for(graph);
  note_input_shapes(graph);
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    bool folded = false;
    if (!any_of(node.outputs, outputs)) {  // a graph output stays the output of a node
      HYPS_TRY(folded, evaluate(graph, node, budget));
    }
    if (folded) continue;
    note_output_shapes(graph, node);
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  return {};
}

using Renames = std::map<std::string, std::string>;

void rename(std::vector<std::string>& names, const Renames& renames) {
  for (std::string& name : names) {
    if (const auto found = renames.find(name); found != renames.end()) name = found->second;
  }
}

Result<bool> passes_through(const Graph& graph, const Node& node) {
  const Operator* op = operator_of(graph, node);
  if (op == nullptr || !op->passes_through || node.outputs.size() != 1) return false;
  const NodeContext context = context_of(graph, node);
  HYPS_CHECK(op->infer(context));  // it may be one that does not (a Dropout in training)
  return true;
}

// Readers of a pass-through node read its input instead. Where its output is one of the graph's,
// the value it passes on takes that name, unless the name of that value is promised to others too.
Status shortcut_pass_through(Graph& graph) {
  const Names outputs = output_names(graph);
  Names fixed = outputs;
  for (const Value& input : graph.inputs) fixed.insert(input.name);
  Renames inputs_of_readers;
  Renames takes_output_name;
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    rename(node.inputs, inputs_of_readers);
    HYPS_TRY(const bool passes, passes_through(graph, node));
    if (passes) {
      const std::string& from = node.inputs[0];
      const std::string& to = node.outputs[0];
      if (!outputs.contains(to)) {
        inputs_of_readers[to] = from;
        continue;
      }
      const bool free = !fixed.contains(from) && !graph.is_weight(from);
      if (free && takes_output_name.emplace(from, to).second) continue;
    }
    kept.push_back(std::move(node));
  }
  for (Node& node : kept) {
    rename(node.inputs, takes_output_name);
    rename(node.outputs, takes_output_name);
  }
  graph.nodes = std::move(kept);
  return {};
}

}  // namespace

Status fold_constants(Graph& graph) {
  drop_unneeded(graph);
  HYPS_CHECK(evaluate_constants(graph));
  HYPS_CHECK(shortcut_pass_through(graph));
  drop_unneeded(graph);
  return {};
}

}  // namespace hyps::cnn
