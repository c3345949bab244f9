#include "common/cnn/operator.hpp"

#include <algorithm>

#include "common/cnn/registry.hpp"

namespace hyps::cnn {

namespace {

template <typename T>
const T* find_attribute(const Node& node, const char* name) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr : std::get_if<T>(&found->second);
}

Value input_value(const Graph& graph, const std::string& name) {
  if (const auto weight = graph.weights.find(name); weight != graph.weights.end()) {
    return {name, weight->second.type, weight->second.shape};
  }
  const auto value = graph.values.find(name);
  return value == graph.values.end() ? Value{name, DType::f32, {}} : value->second;
}

}  // namespace

std::int64_t NodeContext::integer(const char* name, std::int64_t otherwise) const {
  const auto* found = find_attribute<std::int64_t>(node, name);
  return found == nullptr ? otherwise : *found;
}

float NodeContext::real(const char* name, float otherwise) const {
  const auto* found = find_attribute<float>(node, name);
  return found == nullptr ? otherwise : *found;
}

std::string NodeContext::text(const char* name, const char* otherwise) const {
  const auto* found = find_attribute<std::string>(node, name);
  return found == nullptr ? otherwise : *found;
}

std::vector<std::int64_t> NodeContext::integers(const char* name,
                                                std::vector<std::int64_t> otherwise) const {
  const auto* found = find_attribute<std::vector<std::int64_t>>(node, name);
  if (found != nullptr) return *found;
  return otherwise;
}

Error NodeContext::error(const std::string& why) const {
  return {ErrorKind::invalid, node.op + " '" + node.name + "': " + why};
}

NodeContext context_of(const Graph& graph, const Node& node) {
  NodeContext context{node, graph.opset, {}, {}, {}};
  for (const std::string& name : node.inputs) {
    const auto weight = graph.weights.find(name);
    const bool constant = !name.empty() && weight != graph.weights.end();
    context.inputs.push_back(name.empty() ? Value{} : input_value(graph, name));
    context.constants.push_back(constant ? &weight->second : nullptr);
  }
  for (const std::string& name : node.outputs) {
    if (const auto value = graph.values.find(name); value != graph.values.end()) {
      context.outputs.push_back(value->second);
    }
  }
  return context;
}

const std::vector<Operator>& all_operators() {
  static const std::vector<Operator> table = [] {
    std::vector<Operator> operators = collect_operators();
    std::sort(operators.begin(), operators.end(),
              [](const Operator& a, const Operator& b) { return a.type < b.type; });
    return operators;
  }();
  return table;
}

const Operator* find_operator(std::string_view type) {
  const std::vector<Operator>& table = all_operators();
  const auto found = std::lower_bound(
      table.begin(), table.end(), type,
      [](const Operator& entry, std::string_view name) { return entry.type < name; });
  return found != table.end() && found->type == type ? &*found : nullptr;
}

}  // namespace hyps::cnn
