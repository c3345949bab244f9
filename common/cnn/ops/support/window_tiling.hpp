// Tiles of sliding windows (Conv and pooling).
#pragma once

#include "common/cnn/ops/support/tiling.hpp"
#include "common/cnn/ops/support/window.hpp"

namespace hyps::cnn::ops {

// The node with explicit pads: those of the whole where the region is at the edge of the map, none
// where the neighbours are there. nullopt where all taps of the region's windows lie in padding.
// REQUIRES: `axes` are those of the node, or have fewer taps.
std::optional<NodeTile> tile_windows(const NodeContext& context, const WindowAxes& axes,
                                     const Region& output);

}  // namespace hyps::cnn::ops
