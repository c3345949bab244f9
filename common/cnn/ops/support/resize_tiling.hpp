// Tiles of Resize and Upsample.
#pragma once

#include <optional>

#include "common/cnn/ops/support/resize.hpp"

namespace hyps::cnn::ops {

// The node with its settings as they are, for regions that begin where the pattern of the mixes
// repeats: a scale of 2 gives two outputs for each input, one of 1.5 three for two. nullopt where
// it does not repeat (align_corners, a scale of 1.3), or where the smaller map would be mixed with
// weights that differ in as much as a bit.
std::optional<NodeTile> tile_resized(const NodeContext& context, const ResizePlan& plan,
                                     const Region& output);

}  // namespace hyps::cnn::ops
