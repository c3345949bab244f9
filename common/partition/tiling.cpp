#include "common/partition/tiling.hpp"

#include <algorithm>

namespace hyps::partition {

namespace {

using cnn::NodeTile;
using cnn::Region;
using Needs = std::map<std::string, Region>;  // of values, axes from the third on

// The same region with a range for each axis from the third on, as operators are asked for.
Region from_third_axis(const Region& region, const cnn::Shape& shape) {
  Region full = cnn::whole_region(shape);
  for (std::size_t i = 1; i <= std::min(full.size(), region.size()); ++i) {
    full[full.size() - i] = region[region.size() - i];
  }
  return full;
}

void add_needs(const cnn::Graph& graph, const NodeTile& tile, Needs& needs) {
  for (std::size_t i = 0; i < tile.inputs.size(); ++i) {
    const std::string& name = tile.node.inputs[i];
    if (name.empty() || graph.is_weight(name)) continue;
    const Region region = from_third_axis(tile.inputs[i], graph.value(name).shape);
    const auto [need, is_first] = needs.emplace(name, region);
    if (!is_first) need->second = cnn::hull(need->second, region);
  }
}

// What is needed of all outputs of a node together. It is no need any longer.
std::optional<Region> take_need(const cnn::Node& node, Needs& needs) {
  std::optional<Region> region;
  for (const std::string& name : node.outputs) {
    const auto need = needs.find(name);
    if (need == needs.end()) continue;
    region = region ? cnn::hull(*region, need->second) : need->second;
    needs.erase(need);
  }
  return region;
}

std::optional<NodeTile> tile_node(const cnn::Graph& graph, const cnn::Node& node, Needs& needs) {
  const auto region = take_need(node, needs);
  const cnn::Operator* op = cnn::find_operator(node.op);
  if (!region || op == nullptr) return std::nullopt;
  auto tile = op->tile(cnn::context_of(graph, node), *region);
  if (tile) add_needs(graph, *tile, needs);
  return tile;
}

}  // namespace

std::optional<GroupTile> tile_group(const cnn::Graph& graph, cnn::Range nodes,
                                    const Region& output) {
  const auto count = static_cast<std::int64_t>(graph.nodes.size());
  if (nodes.begin < 0 || nodes.begin >= nodes.end || nodes.end > count) return std::nullopt;
  GroupTile group;
  Needs needs{{graph.nodes[static_cast<std::size_t>(nodes.end - 1)].outputs.at(0), output}};
  for (std::int64_t i = nodes.end; i-- > nodes.begin;) {
    auto tile = tile_node(graph, graph.nodes[static_cast<std::size_t>(i)], needs);
    if (!tile) return std::nullopt;
    group.nodes.push_back(std::move(*tile));
  }
  std::reverse(group.nodes.begin(), group.nodes.end());
  group.inputs = std::move(needs);
  return group;
}

}  // namespace hyps::partition
