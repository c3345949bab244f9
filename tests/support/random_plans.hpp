// Plans drawn from a seed, and what running their partitions one after another gives.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/engine/engine.hpp"
#include "common/partition/layers.hpp"
#include "common/partition/partition.hpp"

namespace hyps::test {

// A few groups of one to four layers in two to five tiles each, where tiles can be had; nothing
// else is asked of their layers then.
inline void add_random_tiles(const cnn::Graph& graph, const std::vector<partition::Layer>& layers,
                             Random& random, partition::Request& request) {
  std::size_t floor = 0;
  for (int tries = 0; tries < 3 && floor < layers.size(); ++tries) {
    const std::size_t first = floor + random.below(layers.size() - floor);
    const std::size_t last = std::min(layers.size() - 1, first + random.below(4));
    const partition::Request::Tiles tiles{layers[first].name, layers[last].name,
                                          static_cast<int>(random.between(2, 5))};
    partition::Request probe;
    probe.model_name = "probe";
    probe.tiles = {tiles};
    if (!partition::make_plan(graph, probe).ok()) continue;
    request.tiles.push_back(tiles);
    for (std::size_t i = first; i <= last; ++i) request.slices.erase(layers[i].name);
    floor = last + 1;
  }
}

// Cuts anywhere, sliceable layers in 2 to 7, or both; in every second plan tiles besides.
inline partition::Request random_cuts(const cnn::Graph& graph,
                                      const std::vector<partition::Layer>& layers, Random& random) {
  partition::Request request;
  request.model_name = "random";
  const auto what = random.below(3);  // 0: cuts only, 1: slices only, 2: both
  for (const auto& layer : layers) {
    if (what != 1 && random.below(3) == 0) request.cut_after.push_back(layer.name);
    if (what == 0 || layer.slice_axis < 0 || layer.slice_extent < 2 || random.below(3) != 0) {
      continue;
    }
    const auto most = std::min<std::int64_t>(7, layer.slice_extent);
    request.slices[layer.name] = static_cast<int>(random.between(2, most));
  }
  if (random.below(2) == 0) add_random_tiles(graph, layers, random, request);
  return request;
}

// Numbers between -2 and 2; zeros where the input is of integers.
inline std::vector<cnn::Tensor> random_inputs(const cnn::Graph& graph, Random& random) {
  std::vector<cnn::Tensor> inputs;
  for (const auto& value : graph.inputs) {
    const auto count = static_cast<std::size_t>(cnn::element_count(value.shape));
    if (value.type == cnn::DType::f32) {
      std::vector<float> numbers(count);
      for (float& number : numbers) number = random.uniform(-2, 2);
      inputs.push_back(cnn::Tensor::floats(value.shape, std::move(numbers)));
    } else {
      std::string bytes(static_cast<std::size_t>(value.bytes()), '\0');
      inputs.push_back({value.type, value.shape, Blob::of(std::move(bytes))});
    }
  }
  return inputs;
}

inline Result<std::vector<cnn::Tensor>> run_in_partitions(const cnn::Graph& graph,
                                                          const partition::Plan& plan,
                                                          const std::vector<cnn::Tensor>& inputs,
                                                          engine::Engine& engine) {
  std::map<std::string, cnn::Tensor> made;
  for (std::size_t i = 0; i < inputs.size(); ++i) made[graph.inputs[i].name] = inputs[i];
  for (const auto& part : plan.partitions) {
    if (part.kind == partition::Kind::ingest || part.kind == partition::Kind::report) continue;
    HYPS_TRY(const cnn::Graph piece, partition::extract(graph, plan, part));
    HYPS_TRY(const auto executable, engine.compile(piece));
    std::vector<cnn::Tensor> given;
    for (const auto& input : part.inputs) given.push_back(made.at(input.name));
    HYPS_TRY(const auto outputs, executable->run(given));
    for (std::size_t i = 0; i < outputs.size(); ++i) made[part.outputs[i].name] = outputs[i];
  }
  std::vector<cnn::Tensor> outputs;
  for (const auto& value : graph.outputs) outputs.push_back(made.at(value.name));
  return outputs;
}

inline bool same_bits(const cnn::Tensor& a, const cnn::Tensor& b) {
  return a.type == b.type && a.shape == b.shape && a.data == b.data;
}

// The largest difference over the largest magnitude; infinite where one is no number and the other
// is.
inline double relative_error(const cnn::Tensor& got, const cnn::Tensor& right) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (same_bits(got, right)) return 0;
  if (got.type != cnn::DType::f32 || right.type != got.type || got.shape != right.shape) {
    return kInfinite;
  }
  double largest = 0;
  double error = 0;
  for (std::size_t i = 0; i < right.f32().size(); ++i) {
    const double a = got.f32()[i];
    const double b = right.f32()[i];
    if (std::isfinite(b)) largest = std::max(largest, std::abs(b));
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (!std::isfinite(a) || !std::isfinite(b)) return kInfinite;
    error = std::max(error, std::abs(a - b));
  }
  return error == 0 ? 0 : error / std::max(largest, 1e-30);
}

}  // namespace hyps::test
