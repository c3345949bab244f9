// From a graph to a plan (HyPS Algorithm 1) and from a plan to the sub-graphs that run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/partition/plan.hpp"

namespace hyps::partition {

inline constexpr std::size_t kMaxLayers = 4096;
inline constexpr int kMaxSlices = 1024;  // of one layer
inline constexpr int kMaxMinimum = 256;  // Request::min_partitions

struct Request {
  std::string model_name;
  Threshold threshold;
  // At least this many V-partitions, if there are as many layers: the heaviest are cut further, at
  // the cheapest boundary that balances the work.
  int min_partitions = 1;
  // Given by hand (researchers, benchmarks): cut after exactly these layers besides the mandatory
  // points; min_partitions is then not looked at. Empty: choose.
  std::vector<std::string> cut_after;
  // Layer name → number of H-partitions, for layers that need not be under the threshold too.
  std::map<std::string, int> slices;
  // Groups of layers, from the first to the last, and in how many tiles each is computed.
  struct Tiles {
    std::string first;
    std::string last;
    int count = 0;
  };
  std::vector<Tiles> tiles;
  // Whether layers with large feature maps are tiled unasked (tiles.hpp); where no plan comes of
  // that, they are not.
  bool may_tile = true;
};

// Vertical first, horizontal only where it must: a layer above the threshold gets the smallest
// number of H-partitions that brings each under it; layers whose feature maps take more than half
// of a threshold in bytes are tiled where they can be (tiles.hpp); runs of other layers become
// V-partitions no larger than the threshold, cut preferably at optional points, in the smallest
// number, then with the fewest bytes crossing. Errors: invalid, naming the layer that fits in no
// way and why; unsupported above kMaxLayers or kMaxPartitions. REQUIRES: infer_shapes and
// fold_constants succeeded.
Result<Plan> make_plan(const cnn::Graph& graph, const Request& request);

// The sub-graph of one partition that has layers, with its weights sliced (slices along
// axis 0 share memory with the graph's). Its inputs and outputs are the partition's; where an input
// was cut into slices it begins with the Concat that joins them. Errors: the plan belongs to
// another graph.
Result<cnn::Graph> extract(const cnn::Graph& graph, const Plan& plan, const Partition& partition);

}  // namespace hyps::partition
