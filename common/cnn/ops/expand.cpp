// Expand: broadcast to a constant shape, as numpy does with an operand of that shape.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/strided.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  HYPS_TRY(const Shape target, constant_integers(context, 1, "the target shape"));
  if (const std::string fault = shape_fault(target, context.inputs[0].type); !fault.empty()) {
    return context.error("the target shape: " + fault);
  }
  auto shape = broadcast(context.shape(0), target);
  if (!shape) {
    return context.error("input " + to_string(context.shape(0)) + " does not broadcast with " +
                         to_string(target));
  }
  return one_output(context, context.inputs[0].type, std::move(*shape));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Shape& shape = context.outputs[0].shape;
  return {strided(*inputs[0], shape, shape, broadcast_strides(context.shape(0), shape))};
}

Kernel kernel(const NodeContext& context) {
  const bool grows = element_count(context.shape(0)) != output_elements(context);
  return grows ? ReferenceKernel{} : view_kernel(context);
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  NodeTile tile = whole_tile(context, output);
  tile.inputs[0] = broadcast_region(context.shape(0), output);
  tile.constants[1] = tile_extents(context, output);
  return tile;
}

}  // namespace

Operator expand() {
  return {.type = "Expand",
          .opset_min = 8,
          .role = LayerRole::leads,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
