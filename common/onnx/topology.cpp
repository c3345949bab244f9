#include "common/onnx/topology.hpp"

#include <fmt/format.h>

#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

namespace hyps::onnx {

namespace {

constexpr std::size_t no_node = static_cast<std::size_t>(-1);

using Producers = std::unordered_map<std::string, std::size_t>;  // value → node, or no_node

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

std::string label(const cnn::Node& node) { return fmt::format("{} '{}'", node.op, node.name); }

Result<Producers> find_producers(const cnn::Graph& graph) {
  Producers producers;
  for (const auto& [name, tensor] : graph.weights) producers.emplace(name, no_node);
  for (const cnn::Value& input : graph.inputs) {
    if (!producers.emplace(input.name, no_node).second) {
      return invalid(fmt::format("the input '{}' is defined twice", input.name));
    }
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& output : graph.nodes[i].outputs) {
      if (output.empty() || producers.emplace(output, i).second) continue;
      return invalid(fmt::format("{}: its output '{}' is defined elsewhere already",
                                 label(graph.nodes[i]), output));
    }
  }
  return producers;
}

struct Edges {
  std::vector<std::vector<std::size_t>> readers;  // of each node's outputs
  std::vector<std::size_t> waiting_for;           // how many edges lead to each node
};

Result<Edges> find_edges(const cnn::Graph& graph, const Producers& producers) {
  Edges edges{std::vector<std::vector<std::size_t>>(graph.nodes.size()),
              std::vector<std::size_t>(graph.nodes.size(), 0)};
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& input : graph.nodes[i].inputs) {
      if (input.empty()) continue;
      const auto producer = producers.find(input);
      if (producer == producers.end()) {
        return invalid(
            fmt::format("{}: its input '{}' is defined nowhere", label(graph.nodes[i]), input));
      }
      if (producer->second == no_node) continue;
      edges.readers[producer->second].push_back(i);
      ++edges.waiting_for[i];
    }
  }
  return edges;
}

// Kahn's algorithm; of the nodes that may come next the first in the file does.
std::vector<std::size_t> sorted(Edges& edges) {
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < edges.waiting_for.size(); ++i) {
    if (edges.waiting_for[i] == 0) ready.push(i);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const std::size_t reader : edges.readers[next]) {
      if (--edges.waiting_for[reader] == 0) ready.push(reader);
    }
  }
  return order;
}

Error cycle(const cnn::Graph& graph, const Edges& edges) {
  std::size_t node = 0;
  while (edges.waiting_for[node] == 0) ++node;
  return invalid(fmt::format("{}: it needs, through other nodes, its own output (a cycle)",
                             label(graph.nodes[node])));
}

}  // namespace

Status check_and_sort(cnn::Graph& graph) {
  HYPS_TRY(const Producers producers, find_producers(graph));
  for (const cnn::Value& output : graph.outputs) {
    if (producers.contains(output.name)) continue;
    return invalid(fmt::format("the output '{}' is computed by no node", output.name));
  }
  HYPS_TRY(Edges edges, find_edges(graph, producers));
  const std::vector<std::size_t> order = sorted(edges);
  if (order.size() != graph.nodes.size()) return cycle(graph, edges);
  std::vector<cnn::Node> nodes;
  nodes.reserve(order.size());
  for (const std::size_t i : order) nodes.push_back(std::move(graph.nodes[i]));
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace hyps::onnx
