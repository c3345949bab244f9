// Small graphs for the engine's tests, and the comparison with the scalar reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.hpp"
#include "common/cnn/graph.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/onednn/onednn_engine.hpp"

namespace hyps::engine::test {

using Attributes = std::map<std::string, cnn::Attribute>;
using Ints = std::vector<std::int64_t>;

inline cnn::Tensor random_tensor(Random& random, const cnn::Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
  for (auto& value : values) value = random.uniform(-1, 1);
  return cnn::Tensor::floats(shape, std::move(values));
}

// Adds nodes one by one; every method gives the name of what it added.
class Net {
 public:
  explicit Net(std::uint64_t seed) : random_(seed) { graph_.name = "net"; }

  std::string input(const cnn::Shape& shape) {
    const std::string name = "in" + std::to_string(graph_.inputs.size());
    graph_.inputs.push_back({name, cnn::DType::f32, shape});
    return name;
  }
  std::string weight(const cnn::Shape& shape) { return constant(random_tensor(random_, shape)); }
  std::string constant(cnn::Tensor tensor) {
    const std::string name = "w" + std::to_string(graph_.weights.size());
    graph_.weights[name] = std::move(tensor);
    return name;
  }
  std::string add(const std::string& op, std::vector<std::string> inputs,
                  Attributes attributes = {}) {
    const std::string name = "v" + std::to_string(graph_.nodes.size());
    graph_.nodes.push_back({op, "n_" + name, std::move(inputs), {name}, std::move(attributes)});
    return name;
  }
  std::string conv(const std::string& x, const cnn::Shape& w, Attributes attributes = {},
                   bool bias = true) {
    std::vector<std::string> inputs{x, weight(w)};
    if (bias) inputs.push_back(weight({w[0]}));
    return add("Conv", std::move(inputs), std::move(attributes));
  }
  std::string norm(const std::string& x, std::int64_t channels) {
    std::vector<float> variance(static_cast<std::size_t>(channels));
    for (auto& value : variance) value = random_.uniform(0.5F, 2);
    const auto scale = weight({channels});
    const auto shift = weight({channels});
    const auto mean = weight({channels});
    return add("BatchNormalization",
               {x, scale, shift, mean, constant(cnn::Tensor::floats({channels}, variance))});
  }
  void output(const std::string& value) { graph_.outputs.push_back({value, cnn::DType::f32, {}}); }

  // The finished graph, or an error if the shapes do not fit.
  Result<cnn::Graph> graph() {
    HYPS_CHECK(cnn::infer_shapes(graph_));
    return graph_;
  }
  std::vector<cnn::Tensor> inputs() {
    std::vector<cnn::Tensor> tensors;
    for (const auto& input : graph_.inputs) tensors.push_back(random_tensor(random_, input.shape));
    return tensors;
  }
  void use_opset(int opset) { graph_.opset = opset; }
  Random& random() { return random_; }

 private:
  Random random_;
  cnn::Graph graph_;
};

// The largest difference as a part of the largest expected magnitude.
inline double relative_error(const cnn::Tensor& actual, const cnn::Tensor& expected) {
  double scale = 1e-30;
  double worst = 0;
  for (std::size_t i = 0; i < expected.f32().size(); ++i) {
    const double want = expected.f32()[i];
    scale = std::max(scale, std::abs(want));
    const double difference = std::abs(static_cast<double>(actual.f32()[i]) - want);
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
  }
  return worst / scale;
}

inline std::vector<cnn::Tensor> run_with(Engine& engine, const cnn::Graph& graph,
                                         const std::vector<cnn::Tensor>& inputs) {
  auto executable = engine.compile(graph);
  EXPECT_TRUE(executable.ok()) << executable.error().message;
  if (!executable.ok()) return {};
  auto outputs = (*executable)->run(inputs);
  EXPECT_TRUE(outputs.ok()) << outputs.error().message;
  return outputs.ok() ? *outputs : std::vector<cnn::Tensor>{};
}

inline bool same_bits(const std::vector<cnn::Tensor>& a, const std::vector<cnn::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const cnn::Tensor& x, const cnn::Tensor& y) {
                      return x.shape == y.shape && x.data == y.data;
                    });
}

inline constexpr double kTolerance = 1e-5;

// The engine's outputs against the reference's, within kTolerance of their scale.
inline void expect_like_reference(Engine& engine, const cnn::Graph& graph,
                                  const std::vector<cnn::Tensor>& inputs) {
  const auto expected = cnn::run_reference(graph, inputs);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto actual = run_with(engine, graph, inputs);
  ASSERT_EQ(actual.size(), expected->size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].shape, (*expected)[i].shape);
    EXPECT_LE(relative_error(actual[i], (*expected)[i]), kTolerance) << "output " << i;
  }
}

}  // namespace hyps::engine::test
