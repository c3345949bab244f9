#include "common/partition/divisions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/units.hpp"
#include "common/partition/tiles.hpp"

namespace hyps::partition {

std::string amount(std::int64_t value, Threshold::Unit unit) {
  if (unit == Threshold::Unit::bytes) return format_bytes(value);
  return format_count(value) + " parameters";
}

std::int64_t amount_of(std::int64_t parameters, std::int64_t memory_bytes, Threshold::Unit unit) {
  return unit == Threshold::Unit::parameters ? parameters : memory_bytes;
}

namespace {

// The slices of one layer: how they are tried, and why none of them will do.
class LayerSlicer {
 public:
  LayerSlicer(const cnn::Graph& graph, const Flow& flow, const Layer& layer,
              const Threshold& threshold, Division sliced)
      : graph_(graph),
        flow_(flow),
        layer_(layer),
        threshold_(threshold),
        base_(std::move(sliced)) {}

  // As many slices as asked for.
  Result<Division> exactly(int n) {
    if (n > most()) {
      return invalid(
          fmt::format("layer '{}' cannot be cut into {} slices: it has {} {}, and {} "
                      "slices are the most; ask for fewer",
                      layer_.name, n, layer_.slice_extent, what(), kMaxSlices));
    }
    std::optional<Division> sliced = cut_into(n);
    if (!sliced) {
      return invalid(
          fmt::format("layer '{}' cannot be cut into {} slices: a slice would need a "
                      "part of its input; try another number",
                      layer_.name, n));
    }
    if (!all_fit(*sliced)) {
      return invalid(
          fmt::format("a slice of layer '{}' needs {} of {} when cut into {}; ask for "
                      "more slices or a larger threshold",
                      layer_.name, largest(*sliced), limit(), n));
    }
    return std::move(*sliced);
  }

  // The smallest number that brings each slice under the threshold.
  Result<Division> as_few_as_possible() {
    for (int n = 2; n <= most(); ++n) {
      std::optional<Division> sliced = first_slice_fits(n) ? cut_into(n) : std::nullopt;
      if (sliced && all_fit(*sliced)) return std::move(*sliced);
    }
    const std::optional<Division> finest = cut_into(most());
    return invalid(fmt::format(
        "layer '{}' needs {} and a device has {}; even cut into {} slices each needs {} (its "
        "feature maps are not cut): use devices with at least that",
        layer_.name, whole_amount(), limit(), most(), finest ? largest(*finest) : whole_amount()));
  }

 private:
  static Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }
  [[nodiscard]] int most() const {
    return static_cast<int>(std::min<std::int64_t>(layer_.slice_extent, kMaxSlices));
  }
  [[nodiscard]] const char* what() const {
    return graph_.value(base_.run.result(graph_)).shape.size() > 2 ? "channels" : "neurons";
  }
  [[nodiscard]] std::string limit() const { return amount(threshold_.value, threshold_.unit); }
  [[nodiscard]] std::int64_t amount_in(const Footprint& footprint) const {
    return amount_of(footprint.cost.parameters,
                     footprint.cost.weight_bytes + footprint.activation_bytes, threshold_.unit);
  }
  [[nodiscard]] std::string whole_amount() const {
    const Sweep sweep = sweep_over(flow_, layer_.nodes);
    const std::int64_t memory = sweep.cost().weight_bytes + sweep.activation_bytes();
    return amount(amount_of(sweep.cost().parameters, memory, threshold_.unit), threshold_.unit);
  }
  [[nodiscard]] std::string largest(const Division& sliced) const {
    std::int64_t most_needed = 0;
    for (const auto& footprint : sliced.footprints) {
      most_needed = std::max(most_needed, amount_in(footprint));
    }
    return amount(most_needed, threshold_.unit);
  }
  [[nodiscard]] bool fits_alone(const Footprint& footprint) const {
    return fits(footprint.cost.parameters, footprint.cost.weight_bytes + footprint.activation_bytes,
                threshold_);
  }
  [[nodiscard]] bool all_fit(const Division& sliced) const {
    return std::all_of(sliced.footprints.begin(), sliced.footprints.end(),
                       [&](const Footprint& f) { return fits_alone(f); });
  }
  // The first slice is the largest: a cheap answer before all are cut.
  [[nodiscard]] bool first_slice_fits(int n) const {
    const cnn::Range range = even_ranges(layer_.slice_extent, n)[0];
    const auto nodes = slice_run(graph_, base_.run, range);
    return nodes && fits_alone(footprint_of(graph_, flow_, base_.run, *nodes, range, base_.joined));
  }
  [[nodiscard]] std::optional<Division> cut_into(int n) const {
    Division sliced = base_;
    sliced.ranges = even_ranges(layer_.slice_extent, n);
    for (const cnn::Range range : sliced.ranges) {
      const auto nodes = slice_run(graph_, sliced.run, range);
      if (!nodes) return std::nullopt;
      sliced.footprints.push_back(
          footprint_of(graph_, flow_, sliced.run, *nodes, range, sliced.joined));
    }
    return sliced;
  }

  const cnn::Graph& graph_;
  const Flow& flow_;
  const Layer& layer_;
  const Threshold& threshold_;
  Division base_;
};

Error not_sliceable(const cnn::Graph& graph, const Flow& flow, const Layer& layer,
                    const Threshold& threshold, bool asked_for) {
  const std::int64_t start = starting_node(graph, layer.nodes);
  const std::string op =
      graph.nodes[static_cast<std::size_t>(start < 0 ? layer.nodes.begin : start)].op;
  if (asked_for) {
    return {ErrorKind::invalid,
            fmt::format("layer '{}' ({}) cannot be cut into slices: only fully connected and "
                        "ungrouped convolution layers can",
                        layer.name, op)};
  }
  const Sweep sweep = sweep_over(flow, layer.nodes);
  const std::int64_t memory = sweep.cost().weight_bytes + sweep.activation_bytes();
  const std::int64_t need = amount_of(sweep.cost().parameters, memory, threshold.unit);
  return {ErrorKind::invalid,
          fmt::format("layer '{}' ({}) needs {} and a device has {}; it cannot be cut into slices: "
                      "use devices with at least what it needs",
                      layer.name, op, amount(need, threshold.unit),
                      amount(threshold.value, threshold.unit))};
}

// The last sliced layer's result, if this run follows it at once and is its only reader.
int joined_by(const Flow& flow, const cnn::Graph& graph, const std::vector<Division>& before,
              const SliceableRun& run) {
  if (before.empty() || before.back().run.nodes.end != run.nodes.begin) return -1;
  const int id = flow.id_of(before.back().run.result(graph));
  return flow.needed_outside(id, run.nodes) ? -1 : id;
}

// The layers whose name has `part` in it, a few of them.
std::string names_with(const std::vector<Layer>& layers, const std::string& part) {
  constexpr int kShown = 5;
  std::string names;
  int found = 0;
  for (const Layer& layer : layers) {
    if (layer.name.find(part) == std::string::npos || ++found > kShown) continue;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", layer.name);
  }
  return found > kShown ? names + ", …" : names;
}

// Exporters name layers by their path: who writes conv1_1 may mean /conv1_1/Conv.
Status check_layer(const std::vector<Layer>& layers, const char* what, const std::string& name) {
  const bool known = std::any_of(layers.begin(), layers.end(),
                                 [&](const Layer& layer) { return layer.name == name; });
  if (known) return {};
  const std::string near = names_with(layers, name);
  return Error{ErrorKind::invalid,
               fmt::format("{} '{}': there is no such layer; there are {}", what, name,
                           near.empty() ? names_with(layers, "") : near)};
}

Status check_names(const std::vector<Layer>& layers, const Request& request) {
  for (const std::string& name : request.cut_after) {
    HYPS_CHECK(check_layer(layers, "cut after", name));
  }
  for (const Request::Tiles& tiles : request.tiles) {
    HYPS_CHECK(check_layer(layers, "tiles of", tiles.first));
    HYPS_CHECK(check_layer(layers, "tiles of", tiles.last));
  }
  for (const auto& [name, count] : request.slices) {
    HYPS_CHECK(check_layer(layers, "slices of", name));
    if (count < 1) {
      return Error{ErrorKind::invalid,
                   fmt::format("slices of '{}': {} is no number of slices", name, count)};
    }
  }
  return {};
}

// One layer, in as many slices as asked for or needed. nullopt: it is not divided.
Result<std::optional<Division>> slices_of(const cnn::Graph& graph, const Flow& flow,
                                          const std::vector<Layer>& layers, std::size_t index,
                                          const Request& request,
                                          const std::vector<Division>& before) {
  const Layer& layer = layers[index];
  const auto asked = request.slices.find(layer.name);
  const int wanted = asked == request.slices.end() ? 1 : asked->second;
  const bool above = !fits(sweep_over(flow, layer.nodes), request.threshold);
  if (!above && wanted == 1) return std::optional<Division>();
  if (layer.slice_axis < 0) return not_sliceable(graph, flow, layer, request.threshold, wanted > 1);
  Division base;
  base.layer = index;
  base.run = run_of(graph, layer);
  base.joined = joined_by(flow, graph, before, base.run);
  LayerSlicer slicer(graph, flow, layer, request.threshold, std::move(base));
  HYPS_TRY(Division sliced, wanted > 1 ? slicer.exactly(wanted) : slicer.as_few_as_possible());
  return std::optional<Division>(std::move(sliced));
}

std::optional<Division> divided(const cnn::Graph& graph, const Flow& flow,
                                const std::vector<Layer>& layers, const TileGroup& group,
                                const Threshold& threshold, const std::vector<Division>& before) {
  Division base;
  base.layer = group.last;
  base.run = run_of(graph, layers, group);
  base.joined = joined_by(flow, graph, before, base.run);
  return divide_into_tiles(graph, flow, threshold, base, group.count);
}

Result<Division> requested_tiles(const cnn::Graph& graph, const Flow& flow,
                                 const std::vector<Layer>& layers, const TileGroup& group,
                                 const Threshold& threshold, const std::vector<Division>& before) {
  auto tiles = divided(graph, flow, layers, group, threshold, before);
  if (tiles) return std::move(*tiles);
  return Error{
      ErrorKind::invalid,
      fmt::format("layers '{}' to '{}' in {} tiles: their result has {} rows, and a tile "
                  "must fit in {}; ask for another number of tiles",
                  layers[group.first].name, layers[group.last].name, group.count,
                  run_of(graph, layers, group).extent, amount(threshold.value, threshold.unit))};
}

std::optional<Division> tiles_around(const cnn::Graph& graph, const Flow& flow,
                                     const std::vector<Layer>& layers, std::size_t index,
                                     const Request& request, const std::vector<Division>& before) {
  if (!is_tiled_unasked(flow, layers[index], request)) return std::nullopt;
  const std::size_t floor = before.empty() ? 0 : before.back().layer + 1;
  for (const TileGroup& group :
       groups_around(graph, flow, layers, index, floor, request.threshold)) {
    auto tiles = divided(graph, flow, layers, group, request.threshold, before);
    if (tiles) return tiles;
  }
  return std::nullopt;  // the layer may do better alone
}

}  // namespace

Result<std::vector<Division>> choose_divisions(const cnn::Graph& graph, const Flow& flow,
                                               const std::vector<Layer>& layers,
                                               const Request& request) {
  HYPS_CHECK(check_names(layers, request));
  HYPS_TRY(const auto groups, requested_groups(graph, flow, layers, request));
  std::vector<Division> chosen;
  auto group = groups.begin();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (group != groups.end() && group->first == i) {
      HYPS_TRY(auto tiles, requested_tiles(graph, flow, layers, *group, request.threshold, chosen));
      chosen.push_back(std::move(tiles));
      i = group++->last;
    } else if (auto tiles = tiles_around(graph, flow, layers, i, request, chosen)) {
      chosen.push_back(std::move(*tiles));
      i = chosen.back().layer;
    } else {
      HYPS_TRY(auto slices, slices_of(graph, flow, layers, i, request, chosen));
      if (slices) chosen.push_back(std::move(*slices));
    }
  }
  return chosen;
}

}  // namespace hyps::partition
