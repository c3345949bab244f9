// A small network with everything a plan has: convolution, pooling, a layer to be sliced.
#pragma once

#include <gtest/gtest.h>

#include "common/base/random.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::worker::testing {

inline cnn::Tensor random_tensor(Random& random, cnn::Shape shape) {
  std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
  for (float& value : values) value = random.uniform(-1, 1);
  return cnn::Tensor::floats(std::move(shape), std::move(values));
}

inline cnn::Tensor random_input(std::uint64_t seed) {
  Random random(seed);
  return random_tensor(random, {1, 3, 8, 8});
}

inline cnn::Graph small_graph() {
  using cnn::Node;
  Random random(7);
  const std::vector<std::int64_t> two{2, 2};
  cnn::Graph graph;
  graph.name = "small";
  graph.inputs = {{"x", cnn::DType::f32, {1, 3, 8, 8}}};
  graph.outputs = {{"scores", cnn::DType::f32, {}}};
  graph.weights = {{"w1", random_tensor(random, {8, 3, 3, 3})}, {"b1", random_tensor(random, {8})},
                   {"w2", random_tensor(random, {12, 128})},    {"b2", random_tensor(random, {12})},
                   {"w3", random_tensor(random, {3, 12})},      {"b3", random_tensor(random, {3})}};
  graph.nodes = {
      Node{"Conv",
           "conv",
           {"x", "w1", "b1"},
           {"c"},
           {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}},
      Node{"Relu", "relu", {"c"}, {"r"}, {}},
      Node{"MaxPool", "pool", {"r"}, {"p"}, {{"kernel_shape", two}, {"strides", two}}},
      Node{"Flatten", "flat", {"p"}, {"f"}, {}},
      Node{"Gemm", "fc", {"f", "w2", "b2"}, {"h"}, {{"transB", std::int64_t{1}}}},
      Node{"Relu", "relu2", {"h"}, {"hr"}, {}},
      Node{"Gemm", "out", {"hr", "w3", "b3"}, {"scores"}, {{"transB", std::int64_t{1}}}}};
  const Status status = cnn::infer_shapes(graph);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  return graph;
}

}  // namespace hyps::worker::testing
