// Layers and split points: where a graph may be cut (HyPS, Kaboubi et al. 2022, section on vertical
// partitioning). A layer is a run of consecutive nodes: one node that starts it (Conv, Gemm,
// pooling), those that follow (Relu, Add, Concat) and those that lead into it (Flatten). VGG16 has
// 21: 13 conv, 5 pool, 3 fully connected.
#pragma once

#include <string>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::partition {

struct Layer {
  std::string name;  // of the node that starts it
  cnn::Range nodes;  // indices into graph.nodes
  cnn::Cost cost;
  bool pooling = false;            // an optional split point follows
  int slice_axis = -1;             // output axis for H-partitions, -1: none
  std::int64_t slice_extent = 0;   // neurons or channels along it
  std::int64_t leading_nodes = 0;  // its first nodes, which stay whole in the partition before
  std::int64_t sliced_nodes = 0;   // how many of its nodes, after those, an H-partition covers
};

// Never empty for a graph with nodes; the layers' node ranges tile graph.nodes in order.
std::vector<Layer> layers_of(const cnn::Graph& graph);

// What a device can hold: parameters (as in the paper) or bytes of memory (weights plus the peak of
// live feature maps of a partition).
struct Threshold {
  enum class Unit { parameters, bytes };
  Unit unit = Unit::bytes;
  std::int64_t value = 0;  // 0: no limit
};

// [i]: the largest `end` for which layers [i, end) fit the threshold as one V-partition; i where
// not even layer i does.
std::vector<std::size_t> reach_of(const cnn::Graph& graph, const std::vector<Layer>& layers,
                                  const Threshold& threshold);

struct SplitPoint {
  enum class Kind { mandatory, optional, possible };
  std::size_t after_layer = 0;
  Kind kind = Kind::possible;
  std::vector<cnn::Value> tensors;  // what crosses; a chain or a join has one
  std::int64_t bytes = 0;           // their sum
};

// One for each boundary between two layers, in order. Mandatory: just before and just after a layer
// above the threshold (Algorithm 1); optional: after pooling, where one tensor crosses (a pool
// inside one of several branches is no place of small feature maps).
std::vector<SplitPoint> split_points(const cnn::Graph& graph, const std::vector<Layer>& layers,
                                     const Threshold& threshold);

}  // namespace hyps::partition
