#include <fmt/format.h>

#include <algorithm>

#include "common/partition/assembly.hpp"
#include "common/partition/cutting.hpp"
#include "common/partition/divisions.hpp"
#include "common/partition/partition.hpp"

namespace hyps::partition {

namespace {

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

Status check_graph(const cnn::Graph& graph, const Flow& flow) {
  if (graph.inputs.empty()) {
    return invalid(
        "the model has no input that is left open: every job would have the same answer");
  }
  if (graph.nodes.empty() || graph.outputs.empty()) {
    return invalid("the model computes nothing: it has no nodes or no outputs");
  }
  for (const auto& output : graph.outputs) {
    if (flow.is_value(output.name)) continue;
    return invalid(fmt::format("the model's output '{}' is a constant", output.name));
  }
  for (const auto& node : graph.nodes) {
    const bool useful =
        std::any_of(node.outputs.begin(), node.outputs.end(), [&](const auto& name) {
          if (name.empty()) return false;
          const auto& value = flow.tracked(flow.id_of(name));
          return value.output || value.last_use != Flow::kNever;
        });
    if (!useful) return invalid(fmt::format("no output needs node '{}': remove it", node.name));
  }
  return {};
}

Status check_request(const Request& request) {
  if (!is_valid_name(request.model_name)) {
    return invalid(
        fmt::format("'{}' is no model name: use 1 to 64 of A-Z a-z 0-9 . _ -", request.model_name));
  }
  if (request.min_partitions > kMaxMinimum) {
    return invalid(fmt::format("{} V-partitions at least is too many; the most is {}",
                               request.min_partitions, kMaxMinimum));
  }
  return {};
}

// The stretches of nodes between the sliced layers, in order; one more than there are of those.
std::vector<cnn::Range> stretches(const cnn::Graph& graph, const std::vector<Division>& sliced) {
  std::vector<cnn::Range> ranges;
  std::int64_t begin = 0;
  for (const auto& layer : sliced) {
    ranges.push_back({begin, layer.run.nodes.begin});
    begin = layer.run.nodes.end;
  }
  ranges.push_back({begin, static_cast<std::int64_t>(graph.nodes.size())});
  return ranges;
}

std::vector<Unit> units_in(const std::vector<Layer>& layers, cnn::Range stretch) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const cnn::Range nodes{std::max(layers[i].nodes.begin, stretch.begin),
                           std::min(layers[i].nodes.end, stretch.end)};
    if (nodes.size() > 0) units.push_back({nodes, i, nodes.end == layers[i].nodes.end});
  }
  return units;
}

std::vector<Cutter> make_cutters(const cnn::Graph& graph, const Flow& flow,
                                 const std::vector<Layer>& layers,
                                 const std::vector<Division>& sliced, const Threshold& threshold,
                                 const std::vector<SplitPoint>& points) {
  std::vector<Cutter> cutters;
  const auto ranges = stretches(graph, sliced);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    std::vector<Unit> units = units_in(layers, ranges[i]);
    int joined = -1;
    const bool taken_in_slices = i < sliced.size() && sliced[i].joined >= 0;
    if (i > 0 && !taken_in_slices) {
      const Division& before = sliced[i - 1];
      joined = flow.id_of(before.run.result(graph));
      const std::int64_t at = before.run.nodes.end;
      units.insert(units.begin(), Unit{{at, at}, before.layer, false});
    }
    cutters.emplace_back(flow, std::move(units), joined, threshold, points);
  }
  return cutters;
}

Error unit_error(const Flow& flow, const std::vector<Layer>& layers, const Cutter& cutter,
                 std::size_t begin, std::size_t end, const Threshold& threshold) {
  const Sweep sweep =
      sweep_over(flow, cutter.nodes_of(begin, end), begin == 0 ? cutter.joined() : -1);
  const std::int64_t memory = sweep.cost().weight_bytes + sweep.activation_bytes();
  const std::string need =
      amount(amount_of(sweep.cost().parameters, memory, threshold.unit), threshold.unit);
  const std::string have = amount(threshold.value, threshold.unit);
  const std::string first = layers[cutter.units()[begin].layer].name;
  const std::string last = layers[cutter.units()[end - 1].layer].name;
  if (end - begin > 1) {
    return invalid(
        fmt::format("layers '{}' to '{}' together need {} and a device has {}: cut "
                    "between them, or use larger devices",
                    first, last, need, have));
  }
  return invalid(
      fmt::format("what is left of layer '{}' beside its slices (joining them, and what "
                  "cannot be sliced) needs {} and a device has {}: use devices with at "
                  "least what it needs",
                  first, need, have));
}

// How many V-partitions each stretch is cut into: the fewest, then one more where the heaviest is.
std::vector<std::size_t> share_out(std::vector<Cutter>& cutters, int min_partitions) {
  std::vector<std::size_t> counts;
  std::size_t total = 0;
  for (const auto& cutter : cutters) {
    counts.push_back(cutter.least_count());
    total += counts.back();
  }
  while (total < static_cast<std::size_t>(std::max(0, min_partitions))) {
    std::size_t chosen = cutters.size();
    std::int64_t heaviest = -1;
    for (std::size_t i = 0; i < cutters.size(); ++i) {
      if (counts[i] >= cutters[i].size()) continue;
      const std::int64_t flops = cutters[i].balanced_flops(counts[i]);
      if (flops > heaviest) {
        heaviest = flops;
        chosen = i;
      }
    }
    if (chosen == cutters.size()) break;
    ++counts[chosen];
    ++total;
  }
  return counts;
}

// Unit indices at which the partitions of each stretch begin.
using Cuts = std::vector<std::vector<std::size_t>>;

Cuts choose_cuts(std::vector<Cutter>& cutters, int min_partitions) {
  std::vector<std::size_t> least;
  least.reserve(cutters.size());
  for (const auto& cutter : cutters) least.push_back(cutter.least_count());
  const std::vector<std::size_t> counts = share_out(cutters, min_partitions);
  Cuts cuts;
  for (std::size_t i = 0; i < cutters.size(); ++i) {
    cuts.push_back(cutters[i].cut(counts[i], counts[i] > least[i]));
  }
  return cuts;
}

std::vector<bool> marked_layers(const std::vector<Layer>& layers,
                                const std::vector<std::string>& names) {
  std::vector<bool> marked;
  for (const Layer& layer : layers) {
    marked.push_back(std::find(names.begin(), names.end(), layer.name) != names.end());
  }
  return marked;
}

Result<Cuts> given_cuts(const Flow& flow, const std::vector<Layer>& layers,
                        const std::vector<Cutter>& cutters, const Request& request) {
  const std::vector<bool> marked = marked_layers(layers, request.cut_after);
  Cuts cuts;
  for (const auto& cutter : cutters) {
    std::vector<std::size_t> begins;
    for (std::size_t i = 0; i < cutter.size(); ++i) {
      const Unit* before = i == 0 ? nullptr : &cutter.units()[i - 1];
      if (before == nullptr || (before->ends_layer && marked[before->layer])) begins.push_back(i);
    }
    for (std::size_t i = 0; i < begins.size(); ++i) {
      const std::size_t end = i + 1 < begins.size() ? begins[i + 1] : cutter.size();
      if (cutter.fits(begins[i], end)) continue;
      return unit_error(flow, layers, cutter, begins[i], end, request.threshold);
    }
    cuts.push_back(std::move(begins));
  }
  return cuts;
}

Result<Plan> plan_around(const cnn::Graph& graph, const Flow& flow,
                         const std::vector<Layer>& layers, const std::vector<Division>& sliced,
                         const Request& request) {
  const std::vector<SplitPoint> points = split_points(graph, layers, request.threshold);
  std::vector<Cutter> cutters =
      make_cutters(graph, flow, layers, sliced, request.threshold, points);
  for (const auto& cutter : cutters) {
    if (const auto unit = cutter.unit_too_large()) {
      return unit_error(flow, layers, cutter, *unit, *unit + 1, request.threshold);
    }
  }
  Cuts cuts;
  if (request.cut_after.empty()) {
    cuts = choose_cuts(cutters, request.min_partitions);
  } else {
    HYPS_TRY(cuts, given_cuts(flow, layers, cutters, request));
  }
  Assembly assembly(graph, flow, layers, sliced);
  for (std::size_t i = 0; i < cutters.size(); ++i) {
    for (std::size_t k = 0; k < cuts[i].size(); ++k) {
      const std::size_t end = k + 1 < cuts[i].size() ? cuts[i][k + 1] : cutters[i].size();
      assembly.add_vertical(cutters[i].nodes_of(cuts[i][k], end),
                            k == 0 ? cutters[i].joined() : -1);
    }
    if (i < sliced.size()) assembly.add_siblings(sliced[i]);
  }
  return assembly.finish(request);
}

bool has_tiles(const std::vector<Division>& divisions) {
  return std::any_of(divisions.begin(), divisions.end(),
                     [](const Division& division) { return division.kind == Kind::tile; });
}

}  // namespace

Result<Plan> make_plan(const cnn::Graph& graph, const Request& request) {
  HYPS_CHECK(check_request(request));
  const Flow flow(graph);
  HYPS_CHECK(check_graph(graph, flow));
  const std::vector<Layer> layers = layers_of(graph);
  if (layers.size() > kMaxLayers) {
    return Error{ErrorKind::unsupported,
                 fmt::format("the model has {} layers; the most is {}", layers.size(), kMaxLayers)};
  }
  auto divisions = choose_divisions(graph, flow, layers, request);
  const bool tiled_unasked = divisions.ok() && request.tiles.empty() && has_tiles(*divisions);
  if (divisions.ok()) {
    auto plan = plan_around(graph, flow, layers, *divisions, request);
    if (plan.ok() || !tiled_unasked) return plan;
  } else if (!request.may_tile) {
    return divisions.error();
  }
  // Joining the tiles may need more than what they save, or leave too little for the next layer.
  Request without = request;
  without.may_tile = false;
  HYPS_TRY(divisions, choose_divisions(graph, flow, layers, without));
  return plan_around(graph, flow, layers, *divisions, without);
}

}  // namespace hyps::partition
