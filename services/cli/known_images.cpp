#include "services/cli/known_images.hpp"

#include <limits>
#include <map>

#include "common/partition/partition.hpp"
#include "common/voting/known.hpp"
#include "services/cli/local_run.hpp"

namespace hyps::cli {

namespace {

constexpr int kTopLabels = 5;  // as the report partition tells

using Tensors = std::map<std::string, cnn::Tensor>;

// Between layers: as the partitions of a cluster compute them, bit for bit on a machine like this.
Result<Tensors> between_layers(const Model& model, const std::vector<cnn::Tensor>& inputs,
                               engine::Engine& engine) {
  partition::Request request;
  request.model_name = model.name;
  request.threshold.value = std::numeric_limits<std::int64_t>::max() / 2;
  for (const partition::Layer& layer : partition::layers_of(model.graph)) {
    request.cut_after.push_back(layer.name);
  }
  HYPS_TRY(const partition::Plan plan, partition::make_plan(model.graph, request));
  return run_all(model.graph, plan, inputs, engine);
}

// Within layers that may be cut into slices: before and after the nodes that are.
Status add_within_layers(const Model& model, const std::vector<cnn::Tensor>& inputs,
                         engine::Engine& engine, Tensors& tensors) {
  cnn::Graph graph = model.graph;
  const std::size_t own = graph.outputs.size();
  const auto add = [&](std::int64_t node) {
    for (const std::string& name : graph.nodes[static_cast<std::size_t>(node)].outputs) {
      if (!tensors.contains(name)) graph.outputs.push_back(graph.value(name));
    }
  };
  for (const partition::Layer& layer : partition::layers_of(model.graph)) {
    if (layer.slice_axis < 0) continue;
    const std::int64_t sliced = layer.nodes.begin + layer.leading_nodes;
    if (layer.leading_nodes > 0) add(sliced - 1);
    if (layer.sliced_nodes > 0) add(sliced + layer.sliced_nodes - 1);
  }
  if (graph.outputs.size() == own) return {};
  HYPS_TRY(const auto values, run_whole(graph, inputs, engine));
  for (std::size_t i = own; i < values.size(); ++i) tensors[graph.outputs[i].name] = values[i];
  return {};
}

}  // namespace

Result<std::string> known_maps(const Model& model, const std::string& image,
                               engine::Engine& engine) {
  HYPS_TRY(const auto inputs, load_inputs(image, model));
  HYPS_TRY(Tensors tensors, between_layers(model, inputs, engine));
  HYPS_CHECK(add_within_layers(model, inputs, engine, tensors));
  std::vector<std::pair<std::string, Blob>> maps;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.type == cnn::DType::f32) maps.emplace_back(name, tensor.data);
  }
  std::vector<cnn::Tensor> outputs;
  for (const cnn::Value& output : model.graph.outputs) outputs.push_back(tensors.at(output.name));
  maps.emplace_back(partition::kAnswerTensor,
                    Blob::of(image::report(model.graph.outputs, outputs,
                                           image::parse_labels(model.labels_text), kTopLabels)));
  return voting::encode_known(maps);
}

}  // namespace hyps::cli
