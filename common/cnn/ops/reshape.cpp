// Reshape: 0 keeps an extent (unless allowzero), -1 is what remains. The target must be a constant.
#include <algorithm>

#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

// Replaces the zeros that stand for an extent of the input; -1 remains.
Result<Shape> keep_extents(const NodeContext& context, Shape target) {
  const Shape& input = context.shape(0);
  const bool zero_is_zero = context.integer("allowzero", 0) != 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] < -1)
      return context.error("extent " + std::to_string(target[i]) + " is negative");
    if (target[i] != 0 || zero_is_zero) continue;
    if (i >= input.size()) {
      return context.error("extent 0 at axis " + std::to_string(i) + " has none to keep in " +
                           to_string(input));
    }
    target[i] = input[i];
  }
  return target;
}

Status fill_remainder(const NodeContext& context, Shape& target) {
  const auto wildcard = std::find(target.begin(), target.end(), -1);
  if (wildcard == target.end()) return {};
  if (std::find(wildcard + 1, target.end(), -1) != target.end()) {
    return context.error("more than one extent is -1");
  }
  *wildcard = 1;
  const std::int64_t others = element_count(target);
  const std::int64_t elements = element_count(context.shape(0));
  if (others == 0 || elements % others != 0) {
    return context.error("extent -1 has no answer: " + std::to_string(elements) +
                         " elements do not divide by " + std::to_string(others));
  }
  *wildcard = elements / others;
  return {};
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}, {{"allowzero", AttributeKind::integer}}));
  HYPS_TRY(Shape asked, constant_integers(context, 1, "the target shape"));
  HYPS_TRY(Shape target, keep_extents(context, std::move(asked)));
  HYPS_CHECK(fill_remainder(context, target));
  if (element_count(target) != element_count(context.shape(0))) {
    return context.error("input " + to_string(context.shape(0)) + " does not reshape to " +
                         to_string(target));
  }
  return one_output(context, context.inputs[0].type, std::move(target));
}

// Last axes that stay are cut; the others before them must be wanted whole.
std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  const Shape& from = context.shape(0);
  const Shape& to = context.outputs[0].shape;
  std::vector<int> sources(to.size(), -1);
  for (std::size_t i = 1; i <= std::min(from.size(), to.size()); ++i) {
    if (from[from.size() - i] != to[to.size() - i]) break;
    sources[to.size() - i] = static_cast<int>(from.size() - i);
  }
  auto tile = tile_moved(context, output, sources);
  if (tile) tile->constants[1] = tile_extents(context, output);
  return tile;
}

}  // namespace

Operator reshape() {
  return {.type = "Reshape",
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
