#include "graphs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

namespace hyps::partition::testing {

std::string GraphMaker::input(const std::string& name, const cnn::Shape& shape) {
  graph_.inputs.push_back({name, cnn::DType::f32, shape});
  return name;
}

std::string GraphMaker::weight(const cnn::Shape& shape, float scale) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < cnn::element_count(shape); ++i) {
    values.push_back(random_.uniform(-scale, scale));
  }
  const std::string name = "w" + std::to_string(graph_.weights.size());
  graph_.weights.emplace(name, cnn::Tensor::floats(shape, std::move(values)));
  return name;
}

std::string GraphMaker::variance(std::int64_t channels) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < channels; ++i) values.push_back(random_.uniform(0.5F, 2.0F));
  const std::string name = "w" + std::to_string(graph_.weights.size());
  graph_.weights.emplace(name, cnn::Tensor::floats({channels}, std::move(values)));
  return name;
}

std::string GraphMaker::integers(std::vector<std::int64_t> values) {
  const std::string name = "w" + std::to_string(graph_.weights.size());
  const auto size = static_cast<std::int64_t>(values.size());
  graph_.weights.emplace(name, cnn::Tensor::integers({size}, std::move(values)));
  return name;
}

std::string GraphMaker::add(const std::string& op, const std::vector<std::string>& inputs,
                            std::map<std::string, cnn::Attribute> attributes, std::string name) {
  if (name.empty()) name = op + std::to_string(count_);
  ++count_;
  graph_.nodes.push_back({op, name, inputs, {name}, std::move(attributes)});
  return name;
}

std::string GraphMaker::conv(const std::string& x, std::int64_t in, std::int64_t out,
                             std::int64_t kernel, const std::string& name, std::int64_t stride,
                             std::int64_t groups) {
  const float scale = 1.7F / std::sqrt(static_cast<float>(in / groups * kernel * kernel));
  const std::int64_t pad = kernel / 2;
  return add("Conv", {x, weight({out, in / groups, kernel, kernel}, scale), weight({out}, 0.1F)},
             {{"strides", std::vector<std::int64_t>{stride, stride}},
              {"pads", std::vector<std::int64_t>{pad, pad, pad, pad}},
              {"group", groups}},
             name);
}

std::string GraphMaker::pool(const std::string& x, const std::string& name) {
  return add("MaxPool", {x},
             {{"kernel_shape", std::vector<std::int64_t>{2, 2}},
              {"strides", std::vector<std::int64_t>{2, 2}}},
             name);
}

std::string GraphMaker::gemm(const std::string& x, std::int64_t in, std::int64_t out,
                             const std::string& name, bool transposed) {
  const float scale = 1.7F / std::sqrt(static_cast<float>(in));
  const cnn::Shape shape = transposed ? cnn::Shape{out, in} : cnn::Shape{in, out};
  return add("Gemm", {x, weight(shape, scale), weight({out}, 0.1F)},
             {{"transB", std::int64_t{transposed ? 1 : 0}}}, name);
}

cnn::Shape GraphMaker::shape_of(const std::string& value) {
  graph_.outputs.clear();
  const auto status = cnn::infer_shapes(graph_);
  if (!status.ok()) ADD_FAILURE() << status.error().message;
  return graph_.value(value).shape;
}

cnn::Graph GraphMaker::finish() {
  std::set<std::string> read;
  for (const auto& node : graph_.nodes) read.insert(node.inputs.begin(), node.inputs.end());
  for (const auto& node : graph_.nodes) {
    if (!read.contains(node.outputs[0])) graph_.outputs.push_back({node.outputs[0], {}, {}});
  }
  const auto status = cnn::infer_shapes(graph_);
  if (!status.ok()) ADD_FAILURE() << status.error().message;
  return graph_;
}

namespace {

cnn::Tensor zeros(const cnn::Shape& shape) {
  constexpr std::size_t kLargest = std::size_t{102760448} * sizeof(float);
  static const std::shared_ptr<void> memory(std::calloc(kLargest, 1), std::free);
  const std::size_t size = static_cast<std::size_t>(cnn::element_count(shape)) * sizeof(float);
  return {cnn::DType::f32, shape,
          Blob(memory, {static_cast<const std::byte*>(memory.get()), size})};
}

}  // namespace

cnn::Graph vgg16_of_zeros() {
  cnn::Graph graph;
  graph.name = "vgg16";
  graph.inputs.push_back({"image", cnn::DType::f32, {1, 3, 224, 224}});
  std::string x = "image";
  const auto add = [&](const char* op, const std::string& name, std::vector<cnn::Shape> weights,
                       std::map<std::string, cnn::Attribute> attributes) {
    std::vector<std::string> inputs{x};
    for (const auto& shape : weights) {
      inputs.push_back(name + "." + std::to_string(inputs.size()));
      graph.weights.emplace(inputs.back(), zeros(shape));
    }
    graph.nodes.push_back({op, name, inputs, {name}, std::move(attributes)});
    x = name;
  };
  using Ints = std::vector<std::int64_t>;
  std::int64_t channels = 3;
  int block = 0;
  for (const auto& [count, out] : {std::pair{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}) {
    ++block;
    for (int i = 1; i <= count; ++i) {
      const std::string id = std::to_string(block) + "_" + std::to_string(i);
      add("Conv", "conv" + id, {{out, channels, 3, 3}, {out}}, {{"pads", Ints{1, 1, 1, 1}}});
      add("Relu", "relu" + id, {}, {});
      channels = out;
    }
    add("MaxPool", "pool" + std::to_string(block), {},
        {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  }
  add("Flatten", "flatten", {}, {});
  std::int64_t neurons = 512 * 7 * 7;
  for (const auto& [id, out] : {std::pair{6, 4096}, {7, 4096}, {8, 1000}}) {
    add("Gemm", "fc" + std::to_string(id), {{out, neurons}, {out}}, {{"transB", std::int64_t{1}}});
    if (id < 8) add("Relu", "relu" + std::to_string(id), {}, {});
    neurons = out;
  }
  graph.outputs.push_back({x, {}, {}});
  const auto status = cnn::infer_shapes(graph);
  if (!status.ok()) ADD_FAILURE() << status.error().message;
  return graph;
}

namespace {

// Grows a random network value by value.
class RandomNetwork {
 public:
  explicit RandomNetwork(std::uint64_t seed) : maker_(seed), random_(seed * 77 + 5) {
    const std::int64_t side = random_.between(6, 10);
    maps_.push_back(maker_.input("image", {1, random_.between(1, 4), side, side}));
  }

  cnn::Graph make() {
    const std::int64_t steps = random_.between(5, 14);
    const std::int64_t more_inputs = random_.between(0, 2);
    for (std::int64_t i = 0; i < steps; ++i) {
      for (std::int64_t k = 0; k < more_inputs; ++k) {
        if (static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(steps))) == i) {
          add_input();
        }
      }
      grow();
    }
    if (random_.below(2) == 0) end_fully_connected();
    return with_inner_outputs(maker_.finish());
  }

 private:
  // Now and then a value that other nodes read is an output of the model too.
  cnn::Graph with_inner_outputs(cnn::Graph graph) {
    const std::size_t last = graph.outputs.size();
    for (const auto& node : graph.nodes) {
      const auto is_it = [&](const cnn::Value& v) { return v.name == node.outputs[0]; };
      const bool known = std::any_of(graph.outputs.begin(), graph.outputs.end(), is_it);
      if (!known && random_.below(12) == 0) graph.outputs.push_back({node.outputs[0], {}, {}});
    }
    if (graph.outputs.size() == last) return graph;
    const auto status = cnn::infer_shapes(graph);
    if (!status.ok()) ADD_FAILURE() << status.error().message;
    return graph;
  }

  // Like the latest map, so that it can be added to it, or a factor for each of its channels. What
  // comes next reads it, or it is there to be read later.
  void add_input() {
    auto shape = maker_.shape_of(latest());
    const std::string name = "input" + std::to_string(inputs_++);
    if (random_.below(3) == 0) {
      maker_.input(name, {1, shape[1], 1, 1});
      return push(maker_.add("Mul", {latest(), name}));
    }
    maker_.input(name, shape);
    maps_.insert(maps_.end() - static_cast<std::ptrdiff_t>(random_.below(2)), name);
  }

  std::string latest() { return maps_.back(); }
  std::string any() { return maps_[random_.below(maps_.size())]; }
  void push(const std::string& map) { maps_.push_back(map); }

  void grow() {
    switch (random_.below(11)) {
      case 0:
      case 1:
      case 2:
        return convolve(random_.below(4) == 0 ? any() : latest());
      case 3:
        return push(maker_.add("Relu", {latest()}));
      case 4:
        return pool(latest());
      case 5:
        return scale(latest());
      case 6:
      case 7:
        return add_residual();
      case 8:
        return concatenate();
      case 9:
        return pad(latest());
      default:
        return push(maker_.add("LRN", {latest()}, {{"size", std::int64_t{3}}}));
    }
  }

  void convolve(const std::string& x) {
    const auto shape = maker_.shape_of(x);
    const std::int64_t stride = shape[2] >= 4 && random_.below(4) == 0 ? 2 : 1;
    const std::int64_t kernel = random_.below(2) == 0 ? 1 : 3;
    const bool depthwise = random_.below(5) == 0;
    const std::int64_t out = depthwise ? shape[1] : random_.between(2, 8);
    push(maker_.conv(x, shape[1], out, kernel, "", stride, depthwise ? shape[1] : 1));
    if (random_.below(2) == 0) normalise(latest(), out);
    if (random_.below(2) == 0) push(maker_.add("LeakyRelu", {latest()}, {{"alpha", 0.1F}}));
  }

  void normalise(const std::string& x, std::int64_t channels) {
    std::vector<std::string> inputs{x};
    for (int i = 0; i < 3; ++i) inputs.push_back(maker_.weight({channels}, 0.5F));
    inputs.push_back(maker_.variance(channels));
    push(maker_.add("BatchNormalization", inputs));
  }

  void pool(const std::string& x) {
    const auto shape = maker_.shape_of(x);
    if (shape[2] >= 4) return push(maker_.pool(x));
    push(maker_.add("AveragePool", {x},
                    {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
                     {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}));
  }

  void scale(const std::string& x) {
    const auto shape = maker_.shape_of(x);
    push(maker_.add("Mul", {x, maker_.weight({shape[1], 1, 1}, 1.0F)}));
  }

  std::vector<std::string> maps_like(const cnn::Shape& shape, bool same_channels) {
    std::vector<std::string> found;
    for (const auto& map : maps_) {
      const auto other = maker_.shape_of(map);
      if (other[2] == shape[2] && (!same_channels || other[1] == shape[1])) found.push_back(map);
    }
    return found;
  }

  void add_residual() {
    const auto others = maps_like(maker_.shape_of(latest()), true);
    push(maker_.add("Add", {others[random_.below(others.size())], latest()}));
  }

  void concatenate() {
    const auto others = maps_like(maker_.shape_of(latest()), false);
    std::vector<std::string> inputs{latest()};
    for (std::uint64_t i = random_.below(2); i < 2; ++i) {
      inputs.push_back(others[random_.below(others.size())]);
    }
    push(maker_.add("Concat", inputs, {{"axis", std::int64_t{1}}}));
  }

  void pad(const std::string& x) {
    const std::string padded = maker_.add("Pad", {x, maker_.integers({0, 0, 1, 0, 0, 0, 0, 1})});
    const auto shape = maker_.shape_of(padded);
    push(maker_.conv(padded, shape[1], random_.between(2, 6), 2));
  }

  void end_fully_connected() {
    auto shape = maker_.shape_of(latest());
    std::int64_t in = shape[1] * shape[2] * shape[3];
    std::string x = maker_.add("Flatten", {latest()});
    const std::int64_t layers = random_.between(1, 3);
    for (std::int64_t i = 0; i < layers; ++i) {
      const std::int64_t out = random_.between(7, 20);
      if (random_.below(3) == 0) {
        x = maker_.add("MatMul", {x, maker_.weight({in, out}, 0.3F)});
        x = maker_.add("Add", {x, maker_.weight({out}, 0.1F)});
      } else {
        x = maker_.gemm(x, in, out, "", random_.below(2) == 0);
      }
      if (random_.below(2) == 0) x = maker_.add("Relu", {x});
      in = out;
    }
    if (random_.below(2) == 0) maker_.add("Softmax", {x});
  }

  GraphMaker maker_;
  Random random_;
  std::vector<std::string> maps_;
  int inputs_ = 1;
};

}  // namespace

cnn::Graph random_graph(std::uint64_t seed) { return RandomNetwork(seed).make(); }

std::vector<cnn::Tensor> random_inputs(const cnn::Graph& graph, std::uint64_t seed) {
  Random random(seed);
  std::vector<cnn::Tensor> tensors;
  for (const auto& input : graph.inputs) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < cnn::element_count(input.shape); ++i) {
      values.push_back(random.uniform(-1, 1));
    }
    tensors.push_back(cnn::Tensor::floats(input.shape, std::move(values)));
  }
  return tensors;
}

namespace {

void compare(const cnn::Tensor& actual, const cnn::Tensor& expected, Comparison& comparison) {
  if (actual.shape != expected.shape) {
    comparison.error = "shapes differ";
    return;
  }
  comparison.bit_identical &= actual.data == expected.data;
  for (std::size_t i = 0; i < expected.f32().size(); ++i) {
    const double wanted = expected.f32()[i];
    const double error = std::abs(actual.f32()[i] - wanted) / std::max(1.0, std::abs(wanted));
    if (!(error <= comparison.largest_error)) comparison.largest_error = error;
  }
}

}  // namespace

Comparison run_plan(const cnn::Graph& graph, const Plan& plan, std::uint64_t seed) {
  Comparison comparison;
  const auto given = random_inputs(graph, seed);
  std::map<std::string, cnn::Tensor> made;
  for (const auto& partition : plan.partitions) {
    if (partition.kind == Kind::ingest) {
      for (std::size_t i = 0; i < partition.outputs.size(); ++i) {
        made[partition.outputs[i].name] = given.at(i);
      }
    }
    if (partition.kind == Kind::ingest || partition.kind == Kind::report) continue;
    const auto part = extract(graph, plan, partition);
    if (!part.ok()) return {part.error().message, 0, false};
    std::vector<cnn::Tensor> inputs;
    for (const auto& input : partition.inputs) inputs.push_back(made.at(input.name));
    const auto outputs = cnn::run_reference(*part, inputs);
    if (!outputs.ok()) return {outputs.error().message, 0, false};
    for (std::size_t i = 0; i < partition.outputs.size(); ++i) {
      made[partition.outputs[i].name] = (*outputs)[i];
    }
  }
  const auto whole = cnn::run_reference(graph, given);
  if (!whole.ok()) return {whole.error().message, 0, false};
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    compare(made.at(graph.outputs[i].name), (*whole)[i], comparison);
  }
  return comparison;
}

std::int64_t peak_bytes(const cnn::Graph& graph) {
  std::set<std::string> outputs;
  for (const auto& output : graph.outputs) outputs.insert(output.name);
  std::int64_t inputs = 0;
  for (const auto& input : graph.inputs) inputs += input.bytes();
  std::int64_t peak = 0;
  for (std::size_t now = 0; now < graph.nodes.size(); ++now) {
    std::set<std::string> live;
    for (std::size_t i = 0; i <= now; ++i) {
      for (const auto& name : graph.nodes[i].outputs) {
        bool needed = outputs.contains(name) || i == now;
        for (std::size_t later = now; later < graph.nodes.size(); ++later) {
          for (const auto& read : graph.nodes[later].inputs) needed |= read == name;
        }
        if (needed) live.insert(name);
      }
    }
    std::int64_t bytes = inputs;
    for (const auto& name : live) bytes += graph.value(name).bytes();
    peak = std::max(peak, bytes);
  }
  return peak;
}

std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const auto& layer : layers) names.push_back(layer.name);
  return names;
}

std::vector<const Partition*> of_kind(const Plan& plan, Kind kind) {
  std::vector<const Partition*> found;
  for (const auto& partition : plan.partitions) {
    if (partition.kind == kind) found.push_back(&partition);
  }
  return found;
}

}  // namespace hyps::partition::testing
