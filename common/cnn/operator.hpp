// Operator: everything hyps knows of one ONNX operator, in one file of ops/. A new operator is one
// new file there: ops/max_pool.cpp defines `Operator hyps::cnn::ops::max_pool()`, and the build
// collects all of them into the table behind find_operator. Partitioners and engines ask the
// operator; they hold no list of names.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/cnn/kernel.hpp"
#include "common/cnn/region.hpp"

namespace hyps::cnn {

// A node with what is known of its surroundings. Borrows node and constants.
struct NodeContext {
  const Node& node;
  int opset = 0;
  std::vector<Value> inputs;             // shape and type; an empty name where omitted
  std::vector<const Tensor*> constants;  // the weight, where the input is one; else nullptr
  std::vector<Value> outputs;            // empty while inferring

  [[nodiscard]] bool has_input(std::size_t i) const {
    return i < inputs.size() && !inputs[i].name.empty();
  }
  [[nodiscard]] const Shape& shape(std::size_t i) const { return inputs.at(i).shape; }
  // The attribute, or the default where it is absent or of another kind.
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t otherwise) const;
  [[nodiscard]] float real(const char* name, float otherwise) const;
  [[nodiscard]] std::string text(const char* name, const char* otherwise) const;
  [[nodiscard]] std::vector<std::int64_t> integers(const char* name,
                                                   std::vector<std::int64_t> otherwise) const;
  [[nodiscard]] Error error(const std::string& why) const;  // invalid, "Conv 'conv1': <why>"
};
// REQUIRES: the node's inputs are weights or have a Value in the graph.
NodeContext context_of(const Graph& graph, const Node& node);

// How a node takes part in layers (what the partitioners may cut between).
enum class LayerRole {
  starts,   // a layer begins here: Conv, Gemm, pooling
  follows,  // belongs to the layer before it: Relu, BatchNormalization, Add, Concat
  leads,    // belongs to the layer after it: Flatten, Reshape, Pad
};

// Horizontal partitioning: the node that computes only `range` of output axis `axis`, and which
// part of each input it needs. The node keeps its name and value names; the cutter renames.
struct NodeSlice {
  Node node;
  struct Part {
    int axis = -1;  // -1: the whole input
    Range range;
  };
  std::vector<Part> inputs;                 // one for each input of the node
  std::map<std::size_t, Tensor> constants;  // what takes the place of an input (Resize's sizes)
};

// Fused tile partitioning: the node that computes a region of its outputs, and which region of each
// input it needs. Batch and channels of a map are whole. The node keeps its name and value names.
struct NodeTile {
  Node node;
  // What the node gives, counted in the whole output. It holds the region that was asked for, and
  // only that part has the numbers of the whole output.
  Region output;
  std::vector<Region> inputs;               // one for each input of the node
  std::map<std::size_t, Tensor> constants;  // what takes the place of an input (Pad's amounts)
};

struct Operator {
  std::string_view type;  // ONNX op_type
  int opset_min = 7;
  int opset_max = 21;  // nothing that these operators do changed up to here
  // Outputs from this one on are optional: fold_constants drops them where nothing reads them.
  std::size_t required_outputs = 1;
  // The first output always is the first input (Identity): fold_constants removes the node.
  bool passes_through = false;
  // The outputs follow from the inputs' shapes alone (Shape): fold_constants makes them constants,
  // and reference() reads no input.
  bool reads_shapes_only = false;
  LayerRole role = LayerRole::follows;
  bool pooling = false;  // an optional split point follows it (feature maps are small there)

  // Shape rule: the outputs' types and shapes (names are filled by the caller), or why it does not
  // fit. Must check everything that reference() and kernel() rely on, attributes included.
  Result<std::vector<Value>> (*infer)(const NodeContext&) = nullptr;

  // Floating-point operations of one run (multiply-add counts as two).
  std::int64_t (*flops)(const NodeContext&) = nullptr;

  // Scalar reference, plain loops in a fixed order. inputs as in the node, omitted ones nullptr.
  std::vector<Tensor> (*reference)(const NodeContext&,
                                   const std::vector<const Tensor*>& inputs) = nullptr;

  // The fast form.
  Kernel (*kernel)(const NodeContext&) = nullptr;

  // The output axis along which this operator may start an H-partition (FC: the neurons; Conv: the
  // channels), or -1. Only for LayerRole::starts.
  int (*slice_axis)(const NodeContext&) = nullptr;

  // The slice, or nullopt if that range of that axis cannot be computed from slices of the inputs.
  // Followers are asked too: an element-wise operator passes the range on to its inputs.
  std::optional<NodeSlice> (*slice)(const NodeContext&, int axis, Range range) = nullptr;

  // The tile: `output` has a range for each axis of the first output from the third on; further
  // outputs are cut alike. Its numbers are, bit for bit, those of the whole. nullopt if they cannot
  // be had from regions of the inputs, or if `output` is no such region.
  std::optional<NodeTile> (*tile)(const NodeContext&, const Region& output) = nullptr;
};

const Operator* find_operator(std::string_view type);  // nullptr when unknown
const std::vector<Operator>& all_operators();          // sorted by type

}  // namespace hyps::cnn
