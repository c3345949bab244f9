// What operators share about horizontal partitioning.
#pragma once

#include <optional>

#include "common/cnn/operator.hpp"

namespace hyps::cnn::ops {

int no_slice_axis(const NodeContext& context);
std::optional<NodeSlice> no_slice(const NodeContext& context, int axis, Range range);

// True if `range` is a non-empty part of that axis of the first output.
bool is_part_of_output(const NodeContext& context, int axis, Range range);

// The node as it is, every input whole.
NodeSlice whole_inputs(const NodeContext& context);

// The same range of the same axis of the first input; the others whole.
std::optional<NodeSlice> slice_first_input(const NodeContext& context, int axis, Range range);
// The same for feature maps whose channels and batch are independent, but not their pixels.
std::optional<NodeSlice> slice_channels(const NodeContext& context, int axis, Range range);
// Every input along the axis that is aligned with the output's; whole where it is broadcast.
std::optional<NodeSlice> slice_broadcast(const NodeContext& context, int axis, Range range);

}  // namespace hyps::cnn::ops
