#include "common/partition/tile_graph.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "common/partition/tiling.hpp"

namespace hyps::partition {

namespace {

using cnn::Node;
using cnn::NodeTile;
using cnn::Range;
using cnn::Region;
using cnn::Tensor;

class TileGraph {
 public:
  TileGraph(const cnn::Graph& graph, cnn::Graph& part) : graph_(graph), part_(part) {}

  void add(const GroupTile& group, const Region& wanted, const std::string& output) {
    for (const NodeTile& tile : group.nodes) add_node(tile);
    const std::string& result = group.nodes.back().node.outputs[0];
    const Node& last = part_.nodes.back();
    if (cuts_of(result, wanted).empty() && last.outputs[0] == result) {
      part_.nodes.back().outputs[0] = output;
    } else {
      add_crop(result, cuts_of(result, wanted), output);
    }
  }

 private:
  // What is taken of one axis of a value as it is held here.
  struct Cut {
    std::int64_t axis = 0;
    Range range;
  };
  using Cuts = std::vector<Cut>;

  // Of the region of a value, counted in the whole value. Empty: all that is held of it.
  Cuts cuts_of(const std::string& name, const Region& region) const {
    const auto found = held_.find(name);
    const cnn::Shape& shape = graph_.value(name).shape;
    const Region held = found == held_.end() ? cnn::whole_region(shape) : found->second;
    const Region wanted = cnn::relative_to(held, region);
    Cuts cuts;
    for (std::size_t i = 1; i <= wanted.size(); ++i) {
      const std::size_t axis = shape.size() - i;
      const Range range = wanted[wanted.size() - i];
      const std::int64_t extent = i <= held.size() ? held[held.size() - i].size() : shape[axis];
      if (range != Range{0, extent}) cuts.push_back({static_cast<std::int64_t>(axis), range});
    }
    return cuts;
  }

  void add_node(const NodeTile& tile) {
    Node node = tile.node;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      std::string& name = node.inputs[i];
      if (const auto constant = tile.constants.find(i); constant != tile.constants.end()) {
        name = fmt::format("{}#{}.{}", name, node.name, i);  // one may be several inputs
        part_.weights.emplace(name, constant->second);
      } else if (const auto weight = graph_.weights.find(name); weight != graph_.weights.end()) {
        name = add_weight(name, weight->second, i < tile.inputs.size() ? tile.inputs[i] : Region());
      } else if (!name.empty() && i < tile.inputs.size()) {
        name = cropped(name, tile.inputs[i]);
      }
    }
    for (const auto& output : node.outputs) held_[output] = tile.output;
    part_.nodes.push_back(std::move(node));
  }

  std::string add_weight(const std::string& name, const Tensor& weight, const Region& region) {
    Tensor part = cnn::crop(weight, region);
    if (part.shape == weight.shape) {
      part_.weights.emplace(name, weight);
      return name;
    }
    std::string renamed = name + "#";
    for (const Range range : region) renamed += fmt::format("{}-{}.", range.begin, range.end);
    part_.weights.emplace(renamed, std::move(part));
    return renamed;
  }

  // Each region of a value is cropped once.
  std::string cropped(const std::string& name, const Region& region) {
    const Cuts cuts = cuts_of(name, region);
    if (cuts.empty()) return name;
    std::string output = name + "#";
    for (const Cut& cut : cuts) {
      output += fmt::format("{}:{}-{}.", cut.axis, cut.range.begin, cut.range.end);
    }
    if (crops_.insert(output).second) add_crop(name, cuts, output);
    return output;
  }

  void add_crop(const std::string& name, const Cuts& cuts, const std::string& output) {
    std::vector<std::int64_t> axes;
    std::vector<std::int64_t> starts;
    std::vector<std::int64_t> ends;
    for (const Cut& cut : cuts) {
      axes.push_back(cut.axis);
      starts.push_back(cut.range.begin);
      ends.push_back(cut.range.end);
    }
    Node node;
    node.op = "Slice";
    node.name = "crop " + output;
    node.inputs = {name};
    node.outputs = {output};
    if (graph_.opset < 10) {
      node.attributes = {{"axes", axes}, {"starts", starts}, {"ends", ends}};
    } else {
      for (auto& [what, list] :
           {std::pair{".starts", &starts}, {".ends", &ends}, {".axes", &axes}}) {
        node.inputs.push_back(output + what);
        const auto count = static_cast<std::int64_t>(list->size());
        part_.weights.emplace(output + what, Tensor::integers({count}, *list));
      }
    }
    part_.nodes.push_back(std::move(node));
  }

  const cnn::Graph& graph_;
  cnn::Graph& part_;
  std::map<std::string, Region> held_;  // of values made here
  std::set<std::string> crops_;
};

}  // namespace

bool append_tile(const cnn::Graph& graph, Range nodes, Range rows, const std::string& output,
                 cnn::Graph& part) {
  const auto count = static_cast<std::int64_t>(graph.nodes.size());
  if (nodes.begin < 0 || nodes.begin >= nodes.end || nodes.end > count) return false;
  const Node& last = graph.nodes[static_cast<std::size_t>(nodes.end - 1)];
  if (last.outputs.empty()) return false;
  Region wanted = cnn::whole_region(graph.value(last.outputs[0]).shape);
  if (wanted.empty() || rows.begin < 0 || rows.begin >= rows.end || rows.end > wanted[0].end) {
    return false;
  }
  wanted[0] = rows;
  const auto group = tile_group(graph, nodes, wanted);
  if (!group) return false;
  TileGraph(graph, part).add(*group, wanted, output);
  return true;
}

}  // namespace hyps::partition
