// Slicing (private to this folder): which nodes of a layer an H-partition can cover, and those
// nodes cut down to one range of the layer's output.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/cnn/operator.hpp"
#include "common/partition/flow.hpp"
#include "common/partition/layers.hpp"

namespace hyps::partition {

// The node of a layer that starts it, or -1.
std::int64_t starting_node(const cnn::Graph& graph, cnn::Range layer);

bool fits(std::int64_t parameters, std::int64_t memory_bytes, const Threshold& threshold);
bool fits(const Sweep& sweep, const Threshold& threshold);

// Views that lead into the starting node (kept whole: they cost nothing), the starting node, and
// the followers that can be computed on a range of its output. A chain: one value leaves it.
struct SliceableRun {
  cnn::Range nodes;
  std::int64_t start = 0;  // index of the starting node
  int axis = -1;
  std::int64_t extent = 0;

  [[nodiscard]] const std::string& result(const cnn::Graph& graph) const {
    return graph.nodes[static_cast<std::size_t>(nodes.end - 1)].outputs[0];
  }
};
std::optional<SliceableRun> find_sliceable_run(const cnn::Graph& graph, const Flow& flow,
                                               cnn::Range layer);
// The run a layer says it has. REQUIRES: layer.slice_axis >= 0.
SliceableRun run_of(const cnn::Graph& graph, const Layer& layer);

// The run's nodes for `range` of its output, leading views unchanged; nullopt where a node needs a
// part of something that nobody cuts for it.
std::optional<std::vector<cnn::NodeSlice>> slice_run(const cnn::Graph& graph,
                                                     const SliceableRun& run, cnn::Range range);

// n ranges that tile [0, extent) and differ by at most one, larger ones first.
// REQUIRES: 1 <= n <= extent.
std::vector<cnn::Range> even_ranges(std::int64_t extent, std::int64_t n);

// What one H-partition costs. `joined`: a value that arrives in slices and is put together inside,
// or -1.
struct Footprint {
  cnn::Cost cost;
  std::int64_t activation_bytes = 0;
};
Footprint footprint_of(const cnn::Graph& graph, const Flow& flow, const SliceableRun& run,
                       const std::vector<cnn::NodeSlice>& nodes, cnn::Range range, int joined);

}  // namespace hyps::partition
