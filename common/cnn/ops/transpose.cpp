// Transpose: axes reordered; reversed if `perm` is absent.
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Shape permutation_of(const NodeContext& context) {
  const auto rank = static_cast<std::int64_t>(context.shape(0).size());
  Shape reversed;
  for (std::int64_t axis = rank; axis-- > 0;) reversed.push_back(axis);
  return context.integers("perm", reversed);
}

Status check_permutation(const NodeContext& context, const Shape& permutation) {
  std::vector<bool> seen(context.shape(0).size(), false);
  bool valid = permutation.size() == seen.size();
  for (const std::int64_t axis : permutation) {
    const auto index = static_cast<std::size_t>(axis);
    valid = valid && axis >= 0 && index < seen.size() && !seen[index];
    if (valid) seen[index] = true;
  }
  if (valid) return {};
  return context.error("perm is no permutation of the axes of " + to_string(context.shape(0)));
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"perm", AttributeKind::integers}}));
  const Shape permutation = permutation_of(context);
  HYPS_CHECK(check_permutation(context, permutation));
  return one_output(context, context.inputs[0].type, permuted(context.shape(0), permutation));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return {
      rearranged(*inputs[0], inputs[0]->shape, permutation_of(context), context.outputs[0].shape)};
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  const Shape permutation = permutation_of(context);
  return tile_moved(context, output, {permutation.begin(), permutation.end()});
}

}  // namespace

Operator transpose() {
  return {.type = "Transpose",
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
