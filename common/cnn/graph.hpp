// Graph: a network as a value, close to ONNX: named values, nodes in topological order, weights.
// Pure data; what an operator means is in ops/ (see operator.hpp).
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/tensor.hpp"

namespace hyps::cnn {

using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                               std::vector<float>, Tensor>;

struct Node {
  std::string op;                    // ONNX op_type: "Conv"
  std::string name;                  // unique, never empty (the importer makes one up)
  std::vector<std::string> inputs;   // names of values or weights; "" is an omitted optional input
  std::vector<std::string> outputs;  // names of values
  std::map<std::string, Attribute> attributes;
};

struct Value {
  std::string name;
  DType type = DType::f32;
  Shape shape;

  [[nodiscard]] std::int64_t bytes() const {
    return element_count(shape) * static_cast<std::int64_t>(size_of(type));
  }
};

struct Graph {
  std::string name;
  int opset = 13;                         // of the default ONNX domain
  std::vector<Value> inputs;              // what a run is given, in order; weights excluded
  std::vector<Value> outputs;             // what a run gives, in order
  std::map<std::string, Tensor> weights;  // every constant, by name
  std::vector<Node> nodes;                // topological order
  std::map<std::string, Value> values;    // inputs and node outputs; filled by infer_shapes

  [[nodiscard]] const Value& value(const std::string& value_name) const {  // REQUIRES: it exists
    return values.at(value_name);
  }
  [[nodiscard]] bool is_weight(const std::string& value_name) const {
    return weights.contains(value_name);
  }
};

// Checks every node against its operator and fills graph.values and the shapes of graph.outputs.
// REQUIRES: nodes in topological order. The error names the node and what does not fit.
Status infer_shapes(Graph& graph);

// Evaluates nodes whose inputs are all weights, or that ask for shapes alone, with the reference
// form and turns their results into weights; infers shapes as far as that takes it; drops nodes,
// weights and values that no output needs. Constant, Identity and inference-time Dropout disappear.
// Outputs keep their names. Leaves graph.values consistent.
Status fold_constants(Graph& graph);

// What one run of the graph costs.
struct Cost {
  std::int64_t parameters = 0;    // weight elements
  std::int64_t weight_bytes = 0;  // as float32 in memory
  std::int64_t flops = 0;         // multiply and add count as two
};
// REQUIRES: infer_shapes succeeded. A weight used by two nodes counts once.
Cost cost_of(const Graph& graph);
Cost cost_of(const Graph& graph, const Node& node);

// Runs the graph with the scalar reference operators. Slow, obvious, the oracle of every faster
// form. `inputs` as graph.inputs; shapes are checked. REQUIRES: infer_shapes succeeded.
Result<std::vector<Tensor>> run_reference(const Graph& graph, const std::vector<Tensor>& inputs);

}  // namespace hyps::cnn
