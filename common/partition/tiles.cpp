#include "common/partition/tiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "common/partition/tile_graph.hpp"

namespace hyps::partition {

namespace {

using cnn::Range;

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

std::int64_t bytes_of(const Flow& flow, const std::vector<int>& values) {
  std::int64_t sum = 0;
  for (const int id : values) sum += flow.tracked(id).bytes;
  return sum;
}

// The graph of one tile, by itself. nullopt: there is none.
std::optional<cnn::Graph> graph_of(const cnn::Graph& graph, const Flow& flow, Range nodes,
                                   Range rows) {
  cnn::Graph part;
  part.name = "tile";
  part.opset = graph.opset;
  for (const int id : edges_of(flow, nodes).inputs) part.inputs.push_back(*flow.tracked(id).value);
  const std::string output = "#tile";  // like no value's name
  part.outputs = {{output, {}, {}}};
  if (!append_tile(graph, nodes, rows, output, part)) return std::nullopt;
  if (!cnn::infer_shapes(part).ok()) return std::nullopt;
  return part;
}

std::optional<Footprint> footprint_of(const cnn::Graph& graph, const Flow& flow,
                                      const Division& base, Range rows) {
  const auto part = graph_of(graph, flow, base.run.nodes, rows);
  if (!part) return std::nullopt;
  const Flow inside(*part);
  const Sweep sweep = sweep_over(inside, {0, inside.size()});
  // What arrives in slices is there twice: as slices and joined.
  const std::int64_t slices = base.joined < 0 ? 0 : flow.tracked(base.joined).bytes;
  return Footprint{sweep.cost(), sweep.activation_bytes() + slices};
}

std::int64_t memory_of(const Footprint& footprint) {
  return footprint.cost.weight_bytes + footprint.activation_bytes;
}

Range nodes_of(const std::vector<Layer>& layers, std::size_t first, std::size_t last) {
  return {layers[first].nodes.begin, layers[last].nodes.end};
}

// Of the one map that leaves them. 0: none does, or something that has no rows.
std::int64_t rows_given(const cnn::Graph& graph, const Flow& flow, Range nodes) {
  const auto& outputs = graph.nodes[static_cast<std::size_t>(nodes.end - 1)].outputs;
  if (outputs.empty() || !flow.is_value(outputs[0])) return 0;
  if (edges_of(flow, nodes).outputs != std::vector<int>{flow.id_of(outputs[0])}) return 0;
  const cnn::Shape& shape = graph.value(outputs[0]).shape;
  return shape.size() > kTileAxis ? shape[kTileAxis] : 0;
}

// One map leaves them, and bands of that can be had.
bool may_be_tiled(const cnn::Graph& graph, const Flow& flow, Range nodes) {
  const std::int64_t rows = rows_given(graph, flow, nodes);
  if (rows < 2) return false;
  const auto halves = even_ranges(rows, 2);
  return std::all_of(halves.begin(), halves.end(),
                     [&](Range half) { return graph_of(graph, flow, nodes, half).has_value(); });
}

// REQUIRES: there is such a layer (choose_divisions checks the names of a request).
std::size_t index_of(const std::vector<Layer>& layers, const std::string& name) {
  const auto found = std::find_if(layers.begin(), layers.end(),
                                  [&](const Layer& layer) { return layer.name == name; });
  return static_cast<std::size_t>(found - layers.begin());
}

}  // namespace

Result<std::vector<TileGroup>> requested_groups(const cnn::Graph& graph, const Flow& flow,
                                                const std::vector<Layer>& layers,
                                                const Request& request) {
  std::vector<TileGroup> groups;
  for (const Request::Tiles& asked : request.tiles) {
    const std::size_t first = index_of(layers, asked.first);
    const std::size_t last = index_of(layers, asked.last);
    const std::string name = fmt::format("layers '{}' to '{}'", asked.first, asked.last);
    if (first > last) return invalid(name + " cannot be tiled: the second comes before the first");
    if (asked.count < 2 || asked.count > kMaxSlices) {
      return invalid(fmt::format("{}: {} is no number of tiles; possible are 2 to {}", name,
                                 asked.count, kMaxSlices));
    }
    if (!may_be_tiled(graph, flow, nodes_of(layers, first, last))) {
      return invalid(name +
                     " cannot be tiled: one map must leave them, and no row of it may need all of "
                     "their input (fully connected layers and global pooling do)");
    }
    for (std::size_t i = first; i <= last; ++i) {
      if (!request.slices.contains(layers[i].name)) continue;
      return invalid(fmt::format("layer '{}' cannot be both sliced and tiled", layers[i].name));
    }
    groups.push_back({first, last, asked.count});
  }
  std::sort(groups.begin(), groups.end(),
            [](const TileGroup& a, const TileGroup& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < groups.size(); ++i) {
    if (groups[i].first > groups[i - 1].last) continue;
    return invalid(
        fmt::format("layer '{}' is in two groups of tiles", layers[groups[i].first].name));
  }
  return groups;
}

bool is_tiled_unasked(const Flow& flow, const Layer& layer, const Request& request) {
  const bool by_hand =
      !request.tiles.empty() || !request.slices.empty() || !request.cut_after.empty();
  const Threshold& threshold = request.threshold;
  if (!request.may_tile || by_hand || threshold.unit != Threshold::Unit::bytes ||
      threshold.value <= 0)
    return false;
  return sweep_over(flow, layer.nodes).activation_bytes() > threshold.value / 2;
}

std::vector<TileGroup> groups_around(const cnn::Graph& graph, const Flow& flow,
                                     const std::vector<Layer>& layers, std::size_t layer,
                                     std::size_t floor, const Threshold& threshold) {
  std::vector<std::tuple<std::int64_t, std::size_t, std::size_t>> ranked;  // bytes, size, first
  for (std::size_t size = 1; size <= kMostTiledLayers; ++size) {
    for (std::size_t first = layer + 1 >= size ? layer + 1 - size : 0; first <= layer; ++first) {
      if (first < floor || first + size > layers.size() || first + size <= layer) continue;
      const Range nodes = nodes_of(layers, first, first + size - 1);
      if (rows_given(graph, flow, nodes) < 2) continue;
      const Edges edges = edges_of(flow, nodes);
      const std::int64_t given = bytes_of(flow, edges.outputs);
      const std::int64_t taken = bytes_of(flow, edges.inputs);
      const std::int64_t weights = sweep_over(flow, nodes).cost().weight_bytes;
      if (2 * given > threshold.value || weights + taken > threshold.value) continue;
      ranked.emplace_back(taken + given, size, first);
    }
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<TileGroup> groups;
  for (const auto& [bytes, size, first] : ranked) groups.push_back({first, first + size - 1, 0});
  return groups;
}

SliceableRun run_of(const cnn::Graph& graph, const std::vector<Layer>& layers,
                    const TileGroup& group) {
  SliceableRun run;
  run.nodes = nodes_of(layers, group.first, group.last);
  run.start = run.nodes.begin;
  run.axis = kTileAxis;
  run.extent = graph.value(run.result(graph)).shape[kTileAxis];
  return run;
}

std::optional<Division> divide_into_tiles(const cnn::Graph& graph, const Flow& flow,
                                          const Threshold& threshold, const Division& base,
                                          int count) {
  const auto fits_in = [&](const Footprint& footprint, std::int64_t maps) {
    return fits(footprint.cost.parameters, memory_of(footprint), threshold) &&
           (maps <= 0 || footprint.activation_bytes <= maps);
  };
  const auto divided = [&](int n, std::int64_t maps) -> std::optional<Division> {
    Division division = base;
    division.kind = Kind::tile;
    division.ranges = even_ranges(base.run.extent, n);
    for (const Range rows : division.ranges) {
      const auto footprint = footprint_of(graph, flow, base, rows);
      if (!footprint || !fits_in(*footprint, maps)) return std::nullopt;
      division.footprints.push_back(*footprint);
    }
    return division;
  };
  if (count > 0) return count <= base.run.extent ? divided(count, 0) : std::nullopt;
  if (!may_be_tiled(graph, flow, base.run.nodes)) return std::nullopt;
  const auto finest = static_cast<int>(std::min<std::int64_t>(kMostTiles, base.run.extent));
  const Range smallest = even_ranges(base.run.extent, finest)[static_cast<std::size_t>(finest / 2)];
  const auto least = footprint_of(graph, flow, base, smallest);
  if (!least || !fits_in(*least, threshold.value)) return std::nullopt;
  for (const auto& [most, maps] :
       {std::pair{kFewTiles, threshold.value / 2}, {kMostTiles, threshold.value}}) {
    for (int n = 2; n <= std::min<std::int64_t>(most, base.run.extent); ++n) {
      const Range middle = even_ranges(base.run.extent, n)[static_cast<std::size_t>(n / 2)];
      const auto footprint = footprint_of(graph, flow, base, middle);
      if (!footprint || !fits_in(*footprint, maps)) continue;
      if (auto division = divided(n, maps)) return division;
    }
  }
  return std::nullopt;
}

}  // namespace hyps::partition
