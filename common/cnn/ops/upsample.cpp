// Upsample, the elder form of Resize, up to opset 9: nearest or linear by scales, an attribute
// before opset 9, a constant input in it.
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/resize.hpp"
#include "common/cnn/ops/support/resize_axes.hpp"
#include "common/cnn/ops/support/resize_tiling.hpp"
#include "common/cnn/ops/support/slicing.hpp"

namespace hyps::cnn::ops {

namespace {

Result<std::vector<float>> scales_of(const NodeContext& context) {
  if (context.opset >= 9) return constant_floats(context, 1, "scales");
  const auto found = context.node.attributes.find("scales");
  if (found == context.node.attributes.end()) return context.error("attribute 'scales' is missing");
  return std::get<std::vector<float>>(found->second);
}

Result<ResizePlan> plan_of(const NodeContext& context) {
  ResizePlan plan;
  plan.coordinates = Coordinates::asymmetric;
  plan.nearest = Nearest::floor;
  const std::string mode = context.text("mode", "nearest");
  if (mode == "linear" || mode == "bilinear") {
    plan.mode = Resampling::linear;
  } else if (mode != "nearest") {
    return unsupported(context, "mode '" + mode + "' is not one of nearest, linear");
  }
  HYPS_TRY(const std::vector<float> scales, scales_of(context));
  HYPS_TRY(plan.axes, axes_by_scales(context, scales));
  return plan;
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  if (context.opset < 9) {
    HYPS_CHECK(check_node(context, {1, 1}, {{"mode", text}, {"scales", reals}}));
  } else {
    HYPS_CHECK(check_node(context, {2, 2}, {{"mode", text}}));
  }
  return infer_resized(context, plan_of(context));
}

std::int64_t flops(const NodeContext& context) {
  return resize_flops(context, plan_of(context).value());
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return {resize(*inputs[0], plan_of(context).value())};
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  return slice_resized(context, plan_of(context).value(), axis, range);
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  return tile_resized(context, plan_of(context).value(), output);
}

}  // namespace

Operator upsample() {
  return {.type = "Upsample",
          .opset_max = 9,
          .role = LayerRole::leads,
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
