// What operators share about tiles.
#pragma once

#include <optional>
#include <vector>

#include "common/cnn/operator.hpp"

namespace hyps::cnn::ops {

std::optional<NodeTile> no_tile(const NodeContext& context, const Region& output);

// True if `region` has a non-empty part of each axis of the first output from the third on, and
// there are such axes.
bool is_region_of_output(const NodeContext& context, const Region& region);

// The node as it is, every input whole.
NodeTile whole_tile(const NodeContext& context, const Region& output);

// The shape of that region of the first output; and as a constant.
Shape tile_shape(const NodeContext& context, const Region& output);
Tensor tile_extents(const NodeContext& context, const Region& output);

// What a region of a tensor needs of an operand that is broadcast to it.
Region broadcast_region(const Shape& operand, const Region& region);

// The same region of the first input, which has the output's rows and columns; the others whole.
std::optional<NodeTile> tile_first_input(const NodeContext& context, const Region& output);
// Every input is broadcast to the output.
std::optional<NodeTile> tile_broadcast(const NodeContext& context, const Region& output);
// sources: for each axis of the output, which axis of the first input it is, unchanged; -1 if none.
std::optional<NodeTile> tile_moved(const NodeContext& context, const Region& output,
                                   const std::vector<int>& sources);

}  // namespace hyps::cnn::ops
