#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "common/partition/partition.hpp"
#include "common/partition/slicing.hpp"
#include "common/partition/tile_graph.hpp"

namespace hyps::partition {

namespace {

using cnn::NodeSlice;
using cnn::Range;
using cnn::Tensor;

Error foreign(const Partition& partition, const std::string& why) {
  return {ErrorKind::invalid, fmt::format("partition '{}': {}; the plan does not belong to this "
                                          "model: plan it again",
                                          partition.name.text, why)};
}

// Rows along axis 0 lie together: they are shared. Other axes are copied.
Tensor cut_tensor(const Tensor& tensor, std::size_t axis, Range range) {
  std::size_t outer = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(tensor.shape[i]);
  const auto extent = static_cast<std::size_t>(tensor.shape[axis]);
  const auto begin = static_cast<std::size_t>(range.begin);
  const auto size = static_cast<std::size_t>(range.size());
  Tensor part{tensor.type, tensor.shape, {}};
  part.shape[axis] = range.size();
  const std::size_t row = tensor.data.size() / (outer * extent);
  if (outer == 1) {
    part.data = tensor.data.slice(begin * row, size * row);
    return part;
  }
  std::vector<std::byte> bytes(outer * size * row);
  for (std::size_t o = 0; o < outer; ++o) {
    std::memcpy(bytes.data() + o * size * row, tensor.data.data() + (o * extent + begin) * row,
                size * row);
  }
  part.data = Blob::of(std::move(bytes));
  return part;
}

class Extraction {
 public:
  Extraction(const cnn::Graph& graph, const Plan& plan, const Partition& partition)
      : graph_(graph), plan_(plan), partition_(partition) {
    part_.name = plan.model + "." + partition.name.text;
    part_.opset = graph.opset;
    part_.inputs = partition.inputs;
    part_.outputs = partition.outputs;
  }

  Result<cnn::Graph> run() {
    const auto nodes = static_cast<std::int64_t>(graph_.nodes.size());
    const Range range = partition_.nodes;
    if (range.begin < 0 || range.end > nodes || range.begin > range.end) {
      return foreign(partition_,
                     fmt::format("it covers nodes {} to {} of {}", range.begin, range.end, nodes));
    }
    HYPS_CHECK(add_joins());
    if (partition_.kind == Kind::tile) {
      HYPS_CHECK(add_tile());
    } else if (partition_.kind == Kind::horizontal) {
      HYPS_CHECK(add_sliced_nodes());
    } else {
      for (auto i = range.begin; i < range.end; ++i) HYPS_CHECK(add_whole_node(i));
    }
    HYPS_CHECK(infer());
    return std::move(part_);
  }

 private:
  const Partition* maker_of_slice(const std::string& tensor) const {
    for (const auto& other : plan_.partitions) {
      if (is_sibling(other.kind) && other.outputs[0].name == tensor) return &other;
    }
    return nullptr;
  }

  // "T" of slice "T#1.4".
  static std::string joined_name(const std::string& slice) {
    return slice.substr(0, slice.rfind('#'));
  }

  Status add_joins() {
    std::map<std::string, cnn::Node> joins;
    for (const auto& input : partition_.inputs) {
      const Partition* maker = maker_of_slice(input.name);
      if (maker == nullptr) continue;
      const std::string whole = joined_name(input.name);
      if (!graph_.values.contains(whole)) {
        return foreign(partition_, fmt::format("there is no tensor '{}'", whole));
      }
      cnn::Node& join = joins[whole];
      if (maker->slice_index != static_cast<int>(join.inputs.size())) {
        return foreign(partition_, fmt::format("the slices of '{}' are out of order", whole));
      }
      join.op = "Concat";
      join.name = unique_node_name("join " + whole);
      join.inputs.push_back(input.name);
      join.outputs = {whole};
      join.attributes["axis"] = std::int64_t{maker->slice_axis};
    }
    for (auto& [whole, join] : joins) {
      const Partition* maker = maker_of_slice(join.inputs.back());
      if (maker->slice_index + 1 != maker->slice_count) {
        return foreign(partition_, fmt::format("the last slice of '{}' is missing", whole));
      }
      part_.nodes.push_back(std::move(join));
    }
    return {};
  }

  std::string unique_node_name(std::string name) const {
    const auto taken = [&] {
      return std::any_of(graph_.nodes.begin(), graph_.nodes.end(),
                         [&](const cnn::Node& node) { return node.name == name; });
    };
    while (taken()) name += '_';
    return name;
  }

  Status add_whole_node(std::int64_t index) {
    const cnn::Node& node = graph_.nodes[static_cast<std::size_t>(index)];
    for (const auto& name : node.inputs) {
      if (const auto found = graph_.weights.find(name); found != graph_.weights.end()) {
        part_.weights.insert(*found);
      }
    }
    part_.nodes.push_back(node);
    return {};
  }

  Status add_tile() {
    const bool fits =
        partition_.slice_axis == kTileAxis &&
        append_tile(graph_, partition_.nodes, partition_.slice, partition_.outputs[0].name, part_);
    return fits ? Status() : foreign(partition_, "its nodes have no such tile");
  }

  Status add_sliced_nodes() {
    SliceableRun run;
    run.nodes = partition_.nodes;
    run.start = starting_node(graph_, run.nodes);
    run.axis = partition_.slice_axis;
    if (run.start < 0) return foreign(partition_, "none of its nodes can be sliced");
    auto slices = slice_run(graph_, run, partition_.slice);
    if (!slices) return foreign(partition_, "its nodes cannot be sliced like that");
    for (auto& slice : *slices) add_sliced_node(std::move(slice));
    part_.nodes.back().outputs[0] = partition_.outputs[0].name;
    return {};
  }

  void add_sliced_node(NodeSlice slice) {
    for (auto& [input, tensor] : slice.constants) {
      std::string& name = slice.node.inputs[input];
      name = fmt::format("{}#{}", name, slice.node.name);
      part_.weights.emplace(name, std::move(tensor));
    }
    for (std::size_t i = 0; i < slice.inputs.size(); ++i) {
      std::string& name = slice.node.inputs[i];
      const auto found = graph_.weights.find(name);
      if (found == graph_.weights.end()) continue;
      const NodeSlice::Part& part = slice.inputs[i];
      if (part.axis < 0) {
        part_.weights.insert(*found);
        continue;
      }
      // A weight may be cut in two ways in one partition: the name says which part this is.
      name = fmt::format("{}#{}.{}-{}", name, part.axis, part.range.begin, part.range.end);
      if (part_.weights.contains(name)) continue;
      part_.weights.emplace(
          name, cut_tensor(found->second, static_cast<std::size_t>(part.axis), part.range));
    }
    part_.nodes.push_back(std::move(slice.node));
  }

  // Shapes are worked out anew, and must be those of the plan.
  Status infer() {
    if (auto status = cnn::infer_shapes(part_); !status.ok()) {
      return foreign(partition_, status.error().message);
    }
    for (std::size_t i = 0; i < part_.outputs.size(); ++i) {
      const cnn::Value& planned = partition_.outputs[i];
      if (part_.outputs[i].shape == planned.shape && part_.outputs[i].type == planned.type)
        continue;
      return foreign(partition_, fmt::format("tensor '{}' is {} and was planned as {}",
                                             planned.name, cnn::to_string(part_.outputs[i].shape),
                                             cnn::to_string(planned.shape)));
    }
    return {};
  }

  const cnn::Graph& graph_;
  const Plan& plan_;
  const Partition& partition_;
  cnn::Graph part_;
};

}  // namespace

Result<cnn::Graph> extract(const cnn::Graph& graph, const Plan& plan, const Partition& partition) {
  if (!has_layers(partition.kind)) {
    return Error{ErrorKind::invalid, fmt::format("partition '{}' computes no part of the model: {} "
                                                 "has no graph",
                                                 partition.name.text, to_string(partition.kind))};
  }
  if (structure_digest_of(graph) != plan.model_digest.high) {
    return Error{ErrorKind::invalid,
                 fmt::format("plan '{}' was made for another graph than '{}': plan it again",
                             plan.id().text, graph.name)};
  }
  return Extraction(graph, plan, partition).run();
}

}  // namespace hyps::partition
