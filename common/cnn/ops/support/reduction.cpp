#include "common/cnn/ops/support/reduction.hpp"

#include <algorithm>
#include <iterator>

#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Result<std::vector<std::int64_t>> named_axes(const NodeContext& context, int input_since) {
  if (context.opset < input_since) return context.integers("axes", {});
  if (!context.has_input(1)) return std::vector<std::int64_t>{};
  return constant_integers(context, 1, "axes");
}

}  // namespace

Result<std::vector<bool>> reduced_axes(const NodeContext& context, int input_since) {
  const std::size_t rank = context.shape(0).size();
  HYPS_TRY(const auto axes, named_axes(context, input_since));
  const bool noop = context.integer("noop_with_empty_axes", 0) != 0;
  std::vector<bool> reduced(rank, axes.empty() && !noop);
  for (const std::int64_t axis : axes) {
    HYPS_TRY(const std::size_t normal, normal_axis(context, axis, rank));
    reduced[normal] = true;
  }
  return reduced;
}

Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keep) {
  Shape result;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (!reduced[axis]) {
      result.push_back(shape[axis]);
    } else if (keep) {
      result.push_back(1);
    }
  }
  return result;
}

bool keeps_axes(const NodeContext& context) { return context.integer("keepdims", 1) != 0; }

std::optional<NodeSlice> slice_kept(const NodeContext& context, const std::vector<bool>& reduced,
                                    int axis, Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  int input_axis = axis;
  if (!keeps_axes(context)) {
    int left = axis;
    input_axis = 0;
    while (reduced[static_cast<std::size_t>(input_axis)] || left-- > 0) ++input_axis;
  }
  if (reduced[static_cast<std::size_t>(input_axis)]) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[0] = {input_axis, range};
  return slice;
}

std::optional<NodeTile> tile_kept(const NodeContext& context, const std::vector<bool>& reduced,
                                  const Region& output) {
  if (std::find(reduced.begin() + std::min<std::ptrdiff_t>(2, std::ssize(reduced)), reduced.end(),
                true) != reduced.end()) {
    return std::nullopt;
  }
  std::vector<int> sources;
  for (std::size_t axis = 0; axis < reduced.size(); ++axis) {
    if (!reduced[axis] || keeps_axes(context)) sources.push_back(static_cast<int>(axis));
  }
  return tile_moved(context, output, sources);
}

std::int64_t input_elements(const NodeContext& context) { return element_count(context.shape(0)); }

}  // namespace hyps::cnn::ops
