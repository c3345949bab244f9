// The checks that Resize and Upsample share: extents from scales or sizes, the output, slices.
#pragma once

#include <vector>

#include "common/cnn/ops/support/resize.hpp"

namespace hyps::cnn::ops {

// The constant list of float32 at an input.
Result<std::vector<float>> constant_floats(const NodeContext& context, std::size_t input,
                                           const char* what);

// One axis for each of the input's. REQUIRES of sizes: one for each axis.
Result<std::vector<ResizeAxis>> axes_by_scales(const NodeContext& context,
                                               const std::vector<float>& scales);
Result<std::vector<ResizeAxis>> axes_by_sizes(const NodeContext& context,
                                              const std::vector<std::int64_t>& sizes);

Values infer_resized(const NodeContext& context, const Result<ResizePlan>& plan);

// Along axes that are left alone. Sizes still name the whole extent.
std::optional<NodeSlice> slice_resized(const NodeContext& context, const ResizePlan& plan, int axis,
                                       Range range);

}  // namespace hyps::cnn::ops
