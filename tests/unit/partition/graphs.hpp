// Graphs for partition tests, and the oracle that runs a plan's partitions one after another.
#pragma once

#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/cnn/graph.hpp"
#include "common/partition/partition.hpp"

namespace hyps::partition::testing {

// Nodes with random weights, in call order. Each call returns the name of the node's output, which
// is the node's name.
class GraphMaker {
 public:
  explicit GraphMaker(std::uint64_t seed) : random_(seed) {}

  std::string input(const std::string& name, const cnn::Shape& shape);
  std::string weight(const cnn::Shape& shape, float scale);
  std::string variance(std::int64_t channels);
  std::string integers(std::vector<std::int64_t> values);
  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  std::map<std::string, cnn::Attribute> attributes = {}, std::string name = "");
  std::string conv(const std::string& x, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   const std::string& name = "", std::int64_t stride = 1, std::int64_t groups = 1);
  std::string pool(const std::string& x, const std::string& name = "");
  std::string gemm(const std::string& x, std::int64_t in, std::int64_t out,
                   const std::string& name = "", bool transposed = true);
  // Infers shapes; values nobody reads become outputs.
  cnn::Graph finish();

  Random& random() { return random_; }
  // Shape so far of a value; infers as it goes.
  cnn::Shape shape_of(const std::string& value);

 private:
  cnn::Graph graph_;
  Random random_;
  int count_ = 0;
};

// VGG16's layers and shapes over zeros that take no memory.
cnn::Graph vgg16_of_zeros();
// A small network with residual adds, concats, pads, grouped convolutions and, now and then,
// fully connected layers. One to three inputs, read early, late or never; one output or several,
// of which some are read by other nodes, too.
cnn::Graph random_graph(std::uint64_t seed);

std::vector<cnn::Tensor> random_inputs(const cnn::Graph& graph, std::uint64_t seed);

struct Comparison {
  std::string error;  // empty: it ran
  double largest_error = 0;
  bool bit_identical = true;
};
// Extracts and runs every partition in the plan's order, and compares with the whole graph.
Comparison run_plan(const cnn::Graph& graph, const Plan& plan, std::uint64_t seed);

// Peak of live feature maps, found by walking through the graph with sets of names.
std::int64_t peak_bytes(const cnn::Graph& graph);

std::vector<std::string> names_of(const std::vector<Layer>& layers);
std::vector<const Partition*> of_kind(const Plan& plan, Kind kind);

}  // namespace hyps::partition::testing
