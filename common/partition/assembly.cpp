#include "common/partition/assembly.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hyps::partition {

std::string slice_name(const std::string& tensor, std::int64_t index, std::int64_t count) {
  return fmt::format("{}#{}.{}", tensor, index, count);
}

Assembly::Assembly(const cnn::Graph& graph, const Flow& flow, const std::vector<Layer>& layers,
                   const std::vector<Division>& sliced)
    : graph_(graph), flow_(flow), layers_(layers), sliced_(sliced) {}

std::vector<std::string> Assembly::layer_names(cnn::Range nodes, int joined) const {
  std::vector<std::string> names;
  for (const auto& layer : layers_) {
    const bool inside = layer.nodes.begin < nodes.end && nodes.begin < layer.nodes.end;
    const bool only_join = nodes.size() == 0 && joined >= 0 && layer.nodes.begin < nodes.begin &&
                           nodes.begin <= layer.nodes.end;
    if (inside || only_join) names.push_back(layer.name);
  }
  return names;
}

std::vector<cnn::Value> Assembly::slices_of(int id) const {
  const cnn::Value& whole = *flow_.tracked(id).value;
  const auto made = std::find_if(sliced_.begin(), sliced_.end(), [&](const Division& layer) {
    return layer.run.result(graph_) == whole.name;
  });
  std::vector<cnn::Value> slices;
  const auto count = static_cast<std::int64_t>(made->ranges.size());
  for (std::int64_t i = 0; i < count; ++i) {
    cnn::Value slice = whole;
    slice.name = slice_name(whole.name, i, count);
    slice.shape[static_cast<std::size_t>(made->run.axis)] =
        made->ranges[static_cast<std::size_t>(i)].size();
    slices.push_back(std::move(slice));
  }
  return slices;
}

// Whether the value is (a part of) what a user sent, as a tensor, or (a part of) an answer.
bool Assembly::is_secret(const std::string& value) const {
  const auto is_it = [&](const cnn::Value& other) { return other.name == value; };
  return std::any_of(graph_.inputs.begin(), graph_.inputs.end(), is_it) ||
         std::any_of(graph_.outputs.begin(), graph_.outputs.end(), is_it);
}

void Assembly::add_vertical(cnn::Range nodes, int joined) {
  Partition partition;
  partition.name = PartitionName(fmt::format("v{:02}", ++verticals_));
  partition.kind = Kind::vertical;
  partition.nodes = nodes;
  partition.layers = layer_names(nodes, joined);
  if (joined >= 0) partition.inputs = slices_of(joined);
  const Edges edges = edges_of(flow_, nodes, joined);
  for (const int id : edges.inputs) partition.inputs.push_back(*flow_.tracked(id).value);
  for (const int id : edges.outputs) partition.outputs.push_back(*flow_.tracked(id).value);
  for (const auto* values : {&partition.inputs, &partition.outputs}) {
    for (const auto& value : *values) partition.safe_zone |= is_secret(value.name);
  }
  const Sweep sweep = sweep_over(flow_, nodes, joined);
  partition.cost = sweep.cost();
  partition.activation_bytes = sweep.activation_bytes();
  partitions_.push_back(std::move(partition));
}

void Assembly::add_siblings(const Division& sliced) {
  const bool tiles = sliced.kind == Kind::tile;
  const int number = ++(tiles ? tiled_groups_ : sliced_layers_);
  const int whole = flow_.id_of(sliced.run.result(graph_));
  const std::vector<cnn::Value> outputs = slices_of(whole);
  std::vector<cnn::Value> inputs;
  if (sliced.joined >= 0) inputs = slices_of(sliced.joined);
  for (const int id : edges_of(flow_, sliced.run.nodes, sliced.joined).inputs) {
    inputs.push_back(*flow_.tracked(id).value);
  }
  const bool sees_image =
      std::any_of(inputs.begin(), inputs.end(), [&](const auto& v) { return is_secret(v.name); });
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Partition partition;
    partition.name = PartitionName(fmt::format("{}{:02}.{}", tiles ? 't' : 'h', number, i));
    partition.kind = sliced.kind;
    partition.safe_zone = sees_image || flow_.tracked(whole).output;
    partition.layers = layer_names(sliced.run.nodes, -1);
    partition.nodes = sliced.run.nodes;
    partition.slice_axis = sliced.run.axis;
    partition.slice = sliced.ranges[i];
    partition.slice_index = static_cast<int>(i);
    partition.slice_count = static_cast<int>(outputs.size());
    partition.inputs = inputs;
    partition.outputs = {outputs[i]};
    partition.cost = sliced.footprints[i].cost;
    partition.activation_bytes = sliced.footprints[i].activation_bytes;
    partitions_.push_back(std::move(partition));
  }
}

Partition Assembly::ingest() const {
  Partition partition;
  partition.name = PartitionName("ingest");
  partition.kind = Kind::ingest;
  partition.safe_zone = true;
  partition.inputs = {{kImageTensor, cnn::DType::u8, {}}};
  partition.outputs = graph_.inputs;
  for (const auto& input : graph_.inputs) partition.activation_bytes += input.bytes();
  return partition;
}

Partition Assembly::report() const {
  Partition partition;
  partition.name = PartitionName("report");
  partition.kind = Kind::report;
  partition.safe_zone = true;
  for (const auto& output : graph_.outputs) {
    const bool known = std::any_of(partition.inputs.begin(), partition.inputs.end(),
                                   [&](const auto& v) { return v.name == output.name; });
    if (known) continue;
    partition.inputs.push_back(*flow_.tracked(flow_.id_of(output.name)).value);
    partition.activation_bytes += partition.inputs.back().bytes();
  }
  partition.outputs = {{kAnswerTensor, cnn::DType::u8, {}}};
  const auto nodes = static_cast<std::int64_t>(graph_.nodes.size());
  partition.nodes = {nodes, nodes};
  return partition;
}

Result<Plan> Assembly::finish(const Request& request) {
  Plan plan;
  plan.model = request.model_name;
  plan.threshold = request.threshold;
  plan.partitions.push_back(ingest());
  for (auto& partition : partitions_) plan.partitions.push_back(std::move(partition));
  plan.partitions.push_back(report());
  HYPS_CHECK(check(plan));
  plan.model_digest = digest_of(graph_);
  return plan;
}

}  // namespace hyps::partition
