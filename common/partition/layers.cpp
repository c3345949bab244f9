#include "common/partition/layers.hpp"

#include <algorithm>

#include "common/partition/flow.hpp"
#include "common/partition/slicing.hpp"

namespace hyps::partition {

namespace {

using cnn::LayerRole;

LayerRole role_of(const cnn::Node& node) {
  const cnn::Operator* op = cnn::find_operator(node.op);
  return op == nullptr ? LayerRole::follows : op->role;
}

// Where each layer begins: at its leading nodes, if any. Nodes before the first start belong to the
// first layer, leading nodes that no start comes after to the last one.
std::vector<std::int64_t> beginnings(const cnn::Graph& graph) {
  std::vector<std::int64_t> begins;
  std::int64_t lead = -1;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const LayerRole role = role_of(graph.nodes[i]);
    if (role == LayerRole::starts) begins.push_back(lead >= 0 ? lead : index);
    if (role == LayerRole::leads) {
      if (lead < 0) lead = index;
    } else {
      lead = -1;
    }
  }
  if (begins.empty()) begins.push_back(0);
  begins.front() = 0;
  return begins;
}

Layer make_layer(const cnn::Graph& graph, const Flow& flow, cnn::Range nodes) {
  Layer layer;
  layer.nodes = nodes;
  layer.cost = sweep_over(flow, nodes).cost();
  const std::int64_t start = starting_node(graph, nodes);
  const cnn::Node& node = graph.nodes[static_cast<std::size_t>(start < 0 ? nodes.begin : start)];
  layer.name = node.name;
  if (start < 0) return layer;
  layer.pooling = cnn::find_operator(node.op)->pooling;
  if (const auto run = find_sliceable_run(graph, flow, nodes)) {
    layer.slice_axis = run->axis;
    layer.slice_extent = run->extent;
    layer.leading_nodes = run->nodes.begin - nodes.begin;
    layer.sliced_nodes = run->nodes.size();
  }
  return layer;
}

bool exceeds(const Flow& flow, const Layer& layer, const Threshold& threshold) {
  return !fits(sweep_over(flow, layer.nodes), threshold);
}

}  // namespace

std::vector<Layer> layers_of(const cnn::Graph& graph) {
  if (graph.nodes.empty()) return {};
  const Flow flow(graph);
  const std::vector<std::int64_t> begins = beginnings(graph);
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const bool last = i + 1 == begins.size();
    const auto end = last ? static_cast<std::int64_t>(graph.nodes.size()) : begins[i + 1];
    layers.push_back(make_layer(graph, flow, {begins[i], end}));
  }
  return layers;
}

std::vector<std::size_t> reach_of(const cnn::Graph& graph, const std::vector<Layer>& layers,
                                  const Threshold& threshold) {
  const Flow flow(graph);
  std::vector<std::size_t> reach;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Sweep sweep(flow, static_cast<int>(layers[i].nodes.begin), -1);
    std::size_t end = i;
    for (; end < layers.size(); ++end) {
      while (sweep.end() < layers[end].nodes.end) sweep.add_next();
      if (!fits(sweep, threshold)) break;
    }
    reach.push_back(end);
  }
  return reach;
}

std::vector<SplitPoint> split_points(const cnn::Graph& graph, const std::vector<Layer>& layers,
                                     const Threshold& threshold) {
  const Flow flow(graph);
  std::vector<bool> above;
  above.reserve(layers.size());
  for (const auto& layer : layers) above.push_back(exceeds(flow, layer, threshold));
  std::vector<SplitPoint> points;
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    SplitPoint point;
    point.after_layer = i;
    for (const int id : flow.crossing(static_cast<int>(layers[i].nodes.end))) {
      point.tensors.push_back(*flow.tracked(id).value);
      point.bytes += flow.tracked(id).bytes;
    }
    const bool narrow = layers[i].pooling && point.tensors.size() == 1;
    if (narrow) point.kind = SplitPoint::Kind::optional;
    if (above[i] || above[i + 1]) point.kind = SplitPoint::Kind::mandatory;
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace hyps::partition
