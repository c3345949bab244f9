#include "cases.hpp"

#include <cmath>
#include <cstring>

namespace hyps::cnn::testing {

Graph graph_of(const Case& test) {
  Graph graph;
  graph.name = "case";
  graph.opset = test.opset;
  Node node{test.op, "node", {}, {}, test.attributes};
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    node.inputs.push_back(test.inputs[i] ? name : "");
    if (!test.inputs[i]) continue;
    if (test.variable.contains(i)) {
      graph.inputs.push_back({name, test.inputs[i]->type, test.inputs[i]->shape});
    } else {
      graph.weights[name] = *test.inputs[i];
    }
  }
  for (std::size_t i = 0; i < test.outputs; ++i) {
    node.outputs.push_back("y" + std::to_string(i));
    graph.outputs.push_back({node.outputs.back(), DType::f32, {}});
  }
  graph.nodes.push_back(std::move(node));
  return graph;
}

std::vector<Tensor> run_inputs(const Case& test) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    if (test.inputs[i] && test.variable.contains(i)) inputs.push_back(*test.inputs[i]);
  }
  return inputs;
}

Result<std::vector<Tensor>> run_all(const Case& test) {
  Graph graph = graph_of(test);
  HYPS_CHECK(infer_shapes(graph));
  return run_reference(graph, run_inputs(test));
}

Tensor run(const Case& test) {
  auto outputs = run_all(test);
  if (!outputs.ok()) {
    ADD_FAILURE() << outputs.error().message;
    return {};
  }
  return outputs->at(0);
}

std::string error_of(const Case& test) {
  Graph graph = graph_of(test);
  const Status status = infer_shapes(graph);
  return status.ok() ? "" : status.error().message;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.f32().begin(), tensor.f32().end()};
}

Tensor random_tensor(Random& random, const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  for (float& value : values) value = random.uniform(-2, 2);
  return Tensor::floats(shape, std::move(values));
}

Tensor iota(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::floats(shape, std::move(values));
}

Tensor part_of(const Tensor& tensor, int axis, Range range) {
  const auto at = static_cast<std::size_t>(axis);
  std::size_t inner = size_of(tensor.type);
  for (std::size_t i = at + 1; i < tensor.shape.size(); ++i) {
    inner *= static_cast<std::size_t>(tensor.shape[i]);
  }
  const std::size_t row = inner * static_cast<std::size_t>(tensor.shape[at]);
  std::vector<std::byte> bytes;
  for (std::size_t begin = 0; begin < tensor.data.size(); begin += row) {
    const auto part =
        tensor.data.bytes().subspan(begin + static_cast<std::size_t>(range.begin) * inner,
                                    static_cast<std::size_t>(range.size()) * inner);
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  Shape shape = tensor.shape;
  shape[at] = range.size();
  return {tensor.type, shape, Blob::of(std::move(bytes))};
}

void expect_near(const Tensor& actual, const Tensor& expected, double tolerance) {
  ASSERT_EQ(to_string(actual.shape), to_string(expected.shape));
  for (std::size_t i = 0; i < expected.f32().size(); ++i) {
    const auto wanted = static_cast<double>(expected.f32()[i]);
    ASSERT_NEAR(static_cast<double>(actual.f32()[i]), wanted,
                tolerance * std::max(1.0, std::fabs(wanted)))
        << "element " << i;
  }
}

}  // namespace hyps::cnn::testing
