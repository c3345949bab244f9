// Unsqueeze: axes of extent one added, counted in the output. They are an attribute before opset
// 13, an input since.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

bool has_attributes(const NodeContext& context) { return context.opset < 13; }

Result<std::vector<std::int64_t>> axes_of(const NodeContext& context) {
  if (has_attributes(context)) return context.integers("axes", {});
  return constant_integers(context, 1, "axes");
}

Values infer(const NodeContext& context) {
  if (has_attributes(context)) {
    HYPS_CHECK(check_node(context, {1, 1}, {{"axes", AttributeKind::integers}}));
  } else {
    HYPS_CHECK(check_node(context, {2, 2}));
  }
  HYPS_TRY(const auto axes, axes_of(context));
  const Shape& input = context.shape(0);
  if (axes.size() > kMaxRank) {
    return context.error("adds " + std::to_string(axes.size()) + " axes, at most " +
                         std::to_string(kMaxRank) + " are supported");
  }
  HYPS_TRY(const auto added, marked_axes(context, axes, input.size() + axes.size()));
  Shape shape;
  auto next = input.begin();
  for (const bool is_new : added) shape.push_back(is_new ? 1 : *next++);
  return one_output(context, context.inputs[0].type, std::move(shape));
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  const auto axes = axes_of(context).value();
  const std::size_t rank = context.shape(0).size() + axes.size();
  const std::vector<bool> added = marked_axes(context, axes, rank).value();
  std::vector<int> sources;
  int next = 0;
  for (const bool is_new : added) sources.push_back(is_new ? -1 : next++);
  return tile_moved(context, output, sources);
}

}  // namespace

Operator unsqueeze() {
  return {.type = "Unsqueeze",
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = same_elements,
          .kernel = view_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
