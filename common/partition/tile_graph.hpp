// The graph of one tile (private to this folder): nodes cut down to a band of rows of their result.
#pragma once

#include <string>

#include "common/cnn/graph.hpp"
#include "common/cnn/region.hpp"

namespace hyps::partition {

// Tiles are bands of rows: the whole width, so that a map's tiles are joined along one axis.
inline constexpr int kTileAxis = 2;

// Adds to `part` the nodes that compute rows `rows` of the first output of the last node of
// `nodes`, as `output`, and their weights. What comes from outside they take whole under its own
// name, and crop. False where no such tile can be had; `part` is then of no use. REQUIRES:
// infer_shapes(graph) succeeded.
bool append_tile(const cnn::Graph& graph, cnn::Range nodes, cnn::Range rows,
                 const std::string& output, cnn::Graph& part);

}  // namespace hyps::partition
