// Resize: nearest, linear or cubic, by constant scales or sizes; every coordinate transformation.
// Opset 10 has scales alone and the coordinates of Upsample; opset 18 may name the axes.
#include <array>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/resize_axes.hpp"
#include "common/cnn/ops/support/resize_tiling.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::size_t kRoi = 1;  // inputs, since opset 11
constexpr std::size_t kScales = 2;
constexpr std::size_t kSizes = 3;

template <typename Choice>
struct Named {
  const char* name;
  Choice choice;
};

constexpr std::array<Named<Resampling>, 3> kModes{{{"nearest", Resampling::nearest},
                                                   {"linear", Resampling::linear},
                                                   {"cubic", Resampling::cubic}}};
constexpr std::array<Named<Coordinates>, 7> kCoordinates{
    {{"half_pixel", Coordinates::half_pixel},
     {"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
     {"half_pixel_symmetric", Coordinates::half_pixel_symmetric},
     {"align_corners", Coordinates::align_corners},
     {"asymmetric", Coordinates::asymmetric},
     {"tf_half_pixel_for_nn", Coordinates::tf_half_pixel_for_nn},
     {"tf_crop_and_resize", Coordinates::tf_crop_and_resize}}};
constexpr std::array<Named<Nearest>, 4> kNearest{
    {{"round_prefer_floor", Nearest::round_prefer_floor},
     {"round_prefer_ceil", Nearest::round_prefer_ceil},
     {"floor", Nearest::floor},
     {"ceil", Nearest::ceil}}};

// The choice an attribute names; the first one if it is absent.
template <typename Choice, std::size_t count>
Result<Choice> chosen(const NodeContext& context, const char* attribute,
                      const std::array<Named<Choice>, count>& choices) {
  const std::string text = context.text(attribute, choices[0].name);
  std::string known;
  for (const auto& [name, choice] : choices) {
    if (text == name) return choice;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return unsupported(context, std::string(attribute) + " '" + text + "' is not one of " + known);
}

bool is_first_form(const NodeContext& context) { return context.opset < 11; }

// An input that is there and not an empty list, which exporters write for one that is not used.
bool is_used(const NodeContext& context, std::size_t input) {
  return context.has_input(input) && element_count(context.shape(input)) > 0;
}

// A list for the axes that are named, as one for all axes.
template <typename Number>
Result<std::vector<Number>> spread(const NodeContext& context, const std::vector<Number>& list,
                                   std::vector<Number> all) {
  if (!context.node.attributes.contains("axes")) return list;
  const auto axes = context.integers("axes", {});
  HYPS_CHECK(marked_axes(context, axes, all.size()));
  if (list.size() != axes.size()) return context.error("it names other axes than it has numbers");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    all[normal_axis(context, axes[i], all.size()).value()] = list[i];
  }
  return all;
}

Result<std::vector<ResizeAxis>> axes_of(const NodeContext& context) {
  const Shape& shape = context.shape(0);
  if (is_first_form(context)) {
    HYPS_TRY(const auto scales, constant_floats(context, 1, "scales"));
    return axes_by_scales(context, scales);
  }
  if (is_used(context, kSizes)) {
    HYPS_TRY(const auto listed, constant_integers(context, kSizes, "sizes"));
    HYPS_TRY(const auto sizes, spread(context, listed, shape));
    return axes_by_sizes(context, sizes);
  }
  if (!context.has_input(kScales)) return context.error("it has neither scales nor sizes");
  HYPS_TRY(const auto listed, constant_floats(context, kScales, "scales"));
  HYPS_TRY(const auto scales, spread(context, listed, std::vector<float>(shape.size(), 1)));
  return axes_by_scales(context, scales);
}

// roi is [begins..., ends...], as parts of the input. The output of a scaled crop is that of its
// part.
Status read_crops(const NodeContext& context, std::vector<ResizeAxis>& axes) {
  if (!context.has_input(kRoi)) return context.error("tf_crop_and_resize needs a roi");
  HYPS_TRY(const auto listed, constant_floats(context, kRoi, "roi"));
  if (listed.size() % 2 != 0) return context.error("roi has an odd number of values");
  const auto half = static_cast<std::ptrdiff_t>(listed.size() / 2);
  const std::vector<float> first(listed.begin(), listed.begin() + half);
  const std::vector<float> second(listed.begin() + half, listed.end());
  HYPS_TRY(const auto begins, spread(context, first, std::vector<float>(axes.size(), 0)));
  HYPS_TRY(const auto ends, spread(context, second, std::vector<float>(axes.size(), 1)));
  if (begins.size() != axes.size()) {
    return context.error("roi has " + std::to_string(listed.size()) + " values, " +
                         std::to_string(2 * axes.size()) + " are needed");
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    axes[i].crop_begin = static_cast<double>(begins[i]);
    axes[i].crop_end = static_cast<double>(ends[i]);
    if (is_used(context, kSizes)) continue;
    const double output = std::floor(static_cast<double>(axes[i].input) *
                                     (axes[i].crop_end - axes[i].crop_begin) * axes[i].scale);
    if (!(output >= 0 && output <= static_cast<double>(kMaxTensorBytes))) {
      return context.error("its roi gives an output of " + std::to_string(output));
    }
    axes[i].output = static_cast<std::int64_t>(output);
  }
  return {};
}

Result<ResizePlan> plan_of(const NodeContext& context) {
  ResizePlan plan;
  HYPS_TRY(plan.mode, chosen(context, "mode", kModes));
  HYPS_TRY(plan.coordinates, chosen(context, "coordinate_transformation_mode", kCoordinates));
  HYPS_TRY(plan.nearest, chosen(context, "nearest_mode", kNearest));
  plan.cubic_a = static_cast<double>(context.real("cubic_coeff_a", -0.75F));
  plan.exclude_outside = context.integer("exclude_outside", 0) != 0;
  plan.extrapolation = context.real("extrapolation_value", 0);
  if (is_first_form(context)) {
    plan.coordinates = Coordinates::asymmetric;
    plan.nearest = Nearest::floor;
  }
  HYPS_TRY(plan.axes, axes_of(context));
  if (plan.coordinates == Coordinates::tf_crop_and_resize) {
    HYPS_CHECK(read_crops(context, plan.axes));
  }
  return plan;
}

Status check_form(const NodeContext& context) {
  using enum AttributeKind;
  if (is_first_form(context)) return check_node(context, {2, 2}, {{"mode", text}});
  HYPS_CHECK(check_node(context, {1, 4},
                        {{"antialias", integer},
                         {"axes", integers},
                         {"coordinate_transformation_mode", text},
                         {"cubic_coeff_a", real},
                         {"exclude_outside", integer},
                         {"extrapolation_value", real},
                         {"keep_aspect_ratio_policy", text},
                         {"mode", text},
                         {"nearest_mode", text}}));
  if (context.integer("antialias", 0) != 0) {
    return unsupported(context, "antialias is not supported");
  }
  if (context.text("keep_aspect_ratio_policy", "stretch") != "stretch") {
    return unsupported(context, "keep_aspect_ratio_policy must be 'stretch'");
  }
  return {};
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_form(context));
  return infer_resized(context, plan_of(context));
}

std::int64_t flops(const NodeContext& context) {
  return resize_flops(context, plan_of(context).value());
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  return {resize(*inputs[0], plan_of(context).value())};
}

bool is_by_sizes(const NodeContext& context) {
  return !is_first_form(context) && is_used(context, kSizes);
}

// The sizes that give such an output, for the axes that are named.
Tensor sizes_of(const NodeContext& context, const Shape& shape) {
  Shape sizes = shape;
  if (context.node.attributes.contains("axes")) {
    sizes.clear();
    for (const std::int64_t axis : context.integers("axes", {})) {
      sizes.push_back(shape[normal_axis(context, axis, shape.size()).value()]);
    }
  }
  return Tensor::integers({static_cast<std::int64_t>(sizes.size())}, sizes);
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  auto slice = slice_resized(context, plan_of(context).value(), axis, range);
  if (!slice || !is_by_sizes(context)) return slice;
  Shape shape = context.outputs[0].shape;
  shape[static_cast<std::size_t>(axis)] = range.size();
  slice->constants[kSizes] = sizes_of(context, shape);
  return slice;
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  auto tile = tile_resized(context, plan_of(context).value(), output);
  if (tile && is_by_sizes(context)) {
    tile->constants[kSizes] = sizes_of(context, tile_shape(context, tile->output));
  }
  return tile;
}

}  // namespace

Operator resize() {
  return {.type = "Resize",
          .opset_min = 10,
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
