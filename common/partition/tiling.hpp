// Tiling: what a run of nodes must compute, and from what, so that one region of its last value
// comes out (fused tile partitioning: Zhao et al. 2018).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::partition {

struct GroupTile {
  // One for each node of the run. A value is what the tile of the node that makes it gives, as
  // NodeTile::output says; a reader that needs less of it (NodeTile::inputs) crops it.
  std::vector<cnn::NodeTile> nodes;
  std::map<std::string, cnn::Region> inputs;  // of values that come from outside
};

// `output` is a region of the first output of the last node of the run. nullopt where an operator
// refuses its tile, or where a node leads to nothing that the region needs.
// REQUIRES: infer_shapes succeeded.
std::optional<GroupTile> tile_group(const cnn::Graph& graph, cnn::Range nodes,
                                    const cnn::Region& output);

}  // namespace hyps::partition
