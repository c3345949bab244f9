#include "common/engine/joins.hpp"

#include <algorithm>
#include <set>

namespace hyps::engine {
namespace {

// What groups make. Weights and inputs of a run lie where they lie; outputs of the graph are given
// away as bytes of their own; a view is where its original is.
std::set<std::string> movable_values(const cnn::Graph& graph, const Program& program) {
  std::set<std::string> values;
  for (const auto& group : program) {
    const bool fixed = std::holds_alternative<cnn::ViewKernel>(group.head.kernel) ||
                       std::holds_alternative<cnn::ReferenceKernel>(group.head.kernel);
    if (!fixed && group.outputs().size() == 1) values.insert(group.outputs().front());
  }
  for (const auto& output : graph.outputs) values.erase(output.name);
  return values;
}

bool joins_channels(const cnn::Graph& graph, const Operation& op) {
  const auto* concat = std::get_if<cnn::ConcatKernel>(&op.kernel);
  if (concat == nullptr || concat->axis != 1) return false;
  const auto& whole = graph.value(op.outputs.front());
  return whole.type == cnn::DType::f32 && cnn::element_count(whole.shape) > 0 &&
         whole.shape[0] == 1;
}

std::int64_t channels_of(const cnn::Graph& graph, const std::string& value) {
  return graph.is_weight(value) ? graph.weights.at(value).shape[1] : graph.value(value).shape[1];
}

}  // namespace

Joins find_joins(const cnn::Graph& graph, const Program& program) {
  const auto movable = movable_values(graph, program);
  Joins joins;
  for (const auto& group : program) {
    if (!joins_channels(graph, group.head)) continue;
    const auto& inputs = group.head.inputs;
    std::int64_t begin = 0;
    for (const auto& input : inputs) {
      const bool once = std::ranges::count(inputs, input) == 1;
      if (once && movable.contains(input)) joins[input] = {group.head.outputs.front(), begin};
      begin += channels_of(graph, input);
    }
  }
  return joins;
}

}  // namespace hyps::engine
