#include "common/partition/slicing.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/cnn/limits.hpp"

namespace hyps::partition {

namespace {

using cnn::Node;
using cnn::NodeSlice;
using cnn::Range;

const Node& node_at(const cnn::Graph& graph, std::int64_t index) {
  return graph.nodes[static_cast<std::size_t>(index)];
}

// Whether a part can be had: weights are cut at will, the chain's own value is cut already, and any
// other input must be wanted whole.
bool parts_are_there(const cnn::Graph& graph, const NodeSlice& slice, const std::string& chained,
                     int axis, Range range) {
  if (slice.inputs.size() != slice.node.inputs.size()) return false;
  for (std::size_t i = 0; i < slice.inputs.size(); ++i) {
    const NodeSlice::Part& part = slice.inputs[i];
    const std::string& name = slice.node.inputs[i];
    if (!chained.empty() && name == chained) {
      if (part.axis != axis || part.range != range) return false;
    } else if (part.axis >= 0 && !graph.is_weight(name)) {
      return false;
    }
  }
  return true;
}

std::optional<NodeSlice> slice_node(const cnn::Graph& graph, const Node& node,
                                    const std::string& chained, int axis, Range range) {
  const cnn::Operator* op = cnn::find_operator(node.op);
  if (op == nullptr || op->slice == nullptr) return std::nullopt;
  auto slice = op->slice(cnn::context_of(graph, node), axis, range);
  if (!slice || !parts_are_there(graph, *slice, chained, axis, range)) return std::nullopt;
  return slice;
}

bool only_first_output_used(const Flow& flow, const Node& node) {
  for (std::size_t i = 1; i < node.outputs.size(); ++i) {
    const auto& name = node.outputs[i];
    if (name.empty()) continue;
    const auto& value = flow.tracked(flow.id_of(name));
    if (value.output || value.last_use != Flow::kNever) return false;
  }
  return true;
}

bool reads(const Node& node, const std::string& name) {
  return std::find(node.inputs.begin(), node.inputs.end(), name) != node.inputs.end();
}

bool is_view(const cnn::Graph& graph, const Node& node) {
  const cnn::Operator* op = cnn::find_operator(node.op);
  if (op == nullptr || op->role != cnn::LayerRole::leads || op->kernel == nullptr) return false;
  return std::holds_alternative<cnn::ViewKernel>(op->kernel(cnn::context_of(graph, node)));
}

// Where the leading views begin that nobody but this layer's start needs.
std::int64_t first_leading_view(const cnn::Graph& graph, const Flow& flow, Range layer,
                                std::int64_t start) {
  std::int64_t first = start;
  while (first > layer.begin) {
    const Node& node = node_at(graph, first - 1);
    if (!is_view(graph, node) || !only_first_output_used(flow, node)) break;
    if (flow.needed_outside(flow.id_of(node.outputs[0]), {first, start + 1})) break;
    --first;
  }
  return first;
}

// Whether node `index` may extend the chain whose last value is `chained`.
bool extends(const cnn::Graph& graph, const Flow& flow, const SliceableRun& run,
             std::int64_t index) {
  const std::string& chained = run.result(graph);
  const Node& node = node_at(graph, index);
  if (!reads(node, chained) || node.outputs.empty() || !only_first_output_used(flow, node)) {
    return false;
  }
  if (flow.needed_outside(flow.id_of(chained), {index, index + 1})) return false;
  const cnn::Shape& before = graph.value(chained).shape;
  const cnn::Shape& after = graph.value(node.outputs[0]).shape;
  const auto axis = static_cast<std::size_t>(run.axis);
  if (before.size() != after.size() || after[axis] != run.extent) return false;
  const auto halves = even_ranges(run.extent, 2);
  return std::all_of(halves.begin(), halves.end(), [&](Range half) {
    return slice_node(graph, node, chained, run.axis, half).has_value();
  });
}

}  // namespace

std::int64_t starting_node(const cnn::Graph& graph, Range layer) {
  for (std::int64_t i = layer.begin; i < layer.end; ++i) {
    const cnn::Operator* op = cnn::find_operator(node_at(graph, i).op);
    if (op != nullptr && op->role == cnn::LayerRole::starts) return i;
  }
  return -1;
}

bool fits(std::int64_t parameters, std::int64_t memory_bytes, const Threshold& threshold) {
  if (threshold.value <= 0) return true;
  const bool counts = threshold.unit == Threshold::Unit::parameters;
  return (counts ? parameters : memory_bytes) <= threshold.value;
}

bool fits(const Sweep& sweep, const Threshold& threshold) {
  return fits(sweep.cost().parameters, sweep.cost().weight_bytes + sweep.activation_bytes(),
              threshold);
}

std::optional<SliceableRun> find_sliceable_run(const cnn::Graph& graph, const Flow& flow,
                                               Range layer) {
  const std::int64_t start = starting_node(graph, layer);
  if (start < 0) return std::nullopt;
  const Node& node = node_at(graph, start);
  const cnn::Operator* op = cnn::find_operator(node.op);
  if (op->slice_axis == nullptr || node.outputs.empty()) return std::nullopt;
  const int axis = op->slice_axis(cnn::context_of(graph, node));
  const cnn::Shape& shape = graph.value(node.outputs[0]).shape;
  if (axis < 0 || static_cast<std::size_t>(axis) >= shape.size()) return std::nullopt;
  SliceableRun run;
  run.start = start;
  run.axis = axis;
  run.extent = shape[static_cast<std::size_t>(axis)];
  if (run.extent < 2 || !only_first_output_used(flow, node)) return std::nullopt;
  for (const Range half : even_ranges(run.extent, 2)) {
    if (!slice_node(graph, node, "", axis, half)) return std::nullopt;
  }
  run.nodes = {first_leading_view(graph, flow, layer, start), start + 1};
  while (run.nodes.end < layer.end && extends(graph, flow, run, run.nodes.end)) ++run.nodes.end;
  return run;
}

SliceableRun run_of(const cnn::Graph& graph, const Layer& layer) {
  const std::int64_t begin = layer.nodes.begin + layer.leading_nodes;
  const Range nodes{begin, begin + layer.sliced_nodes};
  return {nodes, starting_node(graph, nodes), layer.slice_axis, layer.slice_extent};
}

std::optional<std::vector<NodeSlice>> slice_run(const cnn::Graph& graph, const SliceableRun& run,
                                                Range range) {
  std::vector<NodeSlice> slices;
  std::string chained;
  for (std::int64_t i = run.nodes.begin; i < run.nodes.end; ++i) {
    const Node& node = node_at(graph, i);
    if (i < run.start) {
      slices.push_back({node, std::vector<NodeSlice::Part>(node.inputs.size()), {}});
      continue;
    }
    auto slice = slice_node(graph, node, chained, run.axis, range);
    if (!slice) return std::nullopt;
    slices.push_back(std::move(*slice));
    chained = node.outputs[0];
  }
  return slices;
}

std::vector<Range> even_ranges(std::int64_t extent, std::int64_t n) {
  std::vector<Range> ranges;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t size = extent / n + (i < extent % n ? 1 : 0);
    ranges.push_back({begin, begin + size});
    begin += size;
  }
  return ranges;
}

namespace {

// Weights of the sliced nodes; the same part of the same weight counts once.
class WeightCount {
 public:
  explicit WeightCount(const cnn::Graph& graph) : graph_(graph) {}

  void add(const NodeSlice& slice, cnn::Cost& cost) {
    for (std::size_t i = 0; i < slice.inputs.size(); ++i) {
      const auto found = graph_.weights.find(slice.node.inputs[i]);
      if (found == graph_.weights.end() || found->second.type != cnn::DType::f32) continue;
      const NodeSlice::Part& part = slice.inputs[i];
      if (!seen_.emplace(found->first, part.axis, part.range.begin, part.range.end).second)
        continue;
      const cnn::Tensor& weight = found->second;
      std::int64_t count = cnn::element_count(weight.shape);
      if (part.axis >= 0) {
        const std::int64_t extent = weight.shape[static_cast<std::size_t>(part.axis)];
        count = extent == 0 ? 0 : count / extent * part.range.size();
      }
      cost.parameters += count;
      cost.weight_bytes += 4 * count;
    }
  }

 private:
  const cnn::Graph& graph_;
  std::set<std::tuple<std::string, int, std::int64_t, std::int64_t>> seen_;
};

}  // namespace

Footprint footprint_of(const cnn::Graph& graph, const Flow& flow, const SliceableRun& run,
                       const std::vector<NodeSlice>& nodes, Range range, int joined) {
  Footprint result;
  WeightCount weights(graph);
  std::int64_t live = joined < 0 ? 0 : flow.tracked(joined).bytes;
  std::int64_t inputs = live;
  std::int64_t peak = live;
  for (const int id : edges_of(flow, run.nodes, joined).inputs) inputs += flow.tracked(id).bytes;
  std::int64_t chained_bytes = 0;
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    const std::int64_t index = run.nodes.begin + static_cast<std::int64_t>(k);
    const Flow::Step& step = flow.step(static_cast<int>(index));
    weights.add(nodes[k], result.cost);
    const std::int64_t whole = flow.tracked(step.writes[0]).bytes;
    if (index < run.start) {
      result.cost.flops = cnn::capped_sum(result.cost.flops, step.flops);
      live += whole;  // views stay until the end: a small overestimate
      peak = std::max(peak, live);
      continue;
    }
    result.cost.flops = cnn::capped_sum(result.cost.flops, step.flops / run.extent * range.size());
    const std::int64_t bytes = whole / run.extent * range.size();
    peak = std::max(peak, live + chained_bytes + bytes);
    chained_bytes = bytes;
  }
  result.activation_bytes = inputs + peak;
  return result;
}

}  // namespace hyps::partition
