#include "common/cnn/ops/support/arg.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(
      context, {1, 1}, {{"axis", integer}, {"keepdims", integer}, {"select_last_index", integer}}));
  HYPS_CHECK(check_floats(context));
  if (element_count(context.shape(0)) == 0) return context.error("its input has no elements");
  HYPS_CHECK(normal_axis(context, context.integer("axis", 0), context.shape(0).size()));
  return one_output(context, DType::i64,
                    reduced_shape(context.shape(0), arg_axis(context), keeps_axes(context)));
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  return slice_kept(context, arg_axis(context), axis, range);
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  return tile_kept(context, arg_axis(context), output);
}

}  // namespace

std::vector<bool> arg_axis(const NodeContext& context) {
  const std::size_t rank = context.shape(0).size();
  std::vector<bool> axes(rank, false);
  axes[normal_axis(context, context.integer("axis", 0), rank).value()] = true;
  return axes;
}

bool takes_last(const NodeContext& context) { return context.integer("select_last_index", 0) != 0; }

Operator arg_operator(std::string_view type, ReferenceForm reference) {
  Operator op = unary_operator(type, reference);
  op.infer = infer;
  op.flops = input_elements;
  op.slice = slice;
  op.tile = tile;
  return op;
}

}  // namespace hyps::cnn::ops
