// Pad: constant, reflect or edge; negative amounts crop. Amounts and value are attributes before
// opset 11, inputs since; opset 18 added the axes they are for.
#include <algorithm>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/gather.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::size_t kPads = 1;  // inputs
constexpr std::size_t kValue = 2;
constexpr std::size_t kAxes = 3;

bool has_attributes(const NodeContext& context) { return context.opset < 11; }

enum class Mode { constant, reflect, edge };

Result<Mode> mode_of(const NodeContext& context) {
  const std::string text = context.text("mode", "constant");
  if (text == "constant") return Mode::constant;
  if (text == "reflect") return Mode::reflect;
  if (text == "edge") return Mode::edge;
  return unsupported(context, "mode '" + text + "' is not one of constant, reflect, edge");
}

// How much each axis grows at its two ends.
struct Amounts {
  Shape begin;
  Shape end;
};

Result<Shape> axes_of(const NodeContext& context) {
  if (context.has_input(kAxes)) return constant_integers(context, kAxes, "axes");
  Shape all;
  for (std::size_t axis = 0; axis < context.shape(0).size(); ++axis) {
    all.push_back(static_cast<std::int64_t>(axis));
  }
  return all;
}

Result<Shape> pads_of(const NodeContext& context) {
  if (has_attributes(context)) return context.integers("pads", {});
  return constant_integers(context, kPads, "pads");
}

Result<Amounts> amounts_of(const NodeContext& context) {
  const std::size_t rank = context.shape(0).size();
  HYPS_TRY(const Shape pads, pads_of(context));
  HYPS_TRY(const Shape axes, axes_of(context));
  if (pads.size() != 2 * axes.size()) {
    return context.error("pads has " + std::to_string(pads.size()) + " numbers, " +
                         std::to_string(2 * axes.size()) + " are needed");
  }
  Amounts amounts{Shape(rank, 0), Shape(rank, 0)};
  std::vector<bool> seen(rank, false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    HYPS_TRY(const std::size_t axis, normal_axis(context, axes[i], rank));
    if (seen[axis]) return context.error("axis " + std::to_string(axes[i]) + " is named twice");
    seen[axis] = true;
    amounts.begin[axis] = pads[i];
    amounts.end[axis] = pads[i + axes.size()];
  }
  return amounts;
}

Result<std::int64_t> padded_extent(const NodeContext& context, Mode mode, std::int64_t extent,
                                   std::int64_t begin, std::int64_t end) {
  const std::int64_t most = std::max(begin, end);
  const std::int64_t least = std::min(begin, end);
  if (least < -extent || most > kMaxTensorBytes || extent + begin + end < 0) {
    return context.error("pads " + std::to_string(begin) + " and " + std::to_string(end) +
                         " do not fit an extent of " + std::to_string(extent));
  }
  const std::int64_t reach = mode == Mode::reflect ? extent - 1 : most;
  if (most > 0 && (most > reach || (mode == Mode::edge && extent == 0))) {
    return context.error("an extent of " + std::to_string(extent) + " is too small to pad by " +
                         std::to_string(most) + " from itself");
  }
  return extent + begin + end;
}

Status check_value(const NodeContext& context) {
  if (!context.has_input(kValue)) return {};
  const Value& value = context.inputs[kValue];
  if (value.type == context.inputs[0].type && element_count(value.shape) == 1) return {};
  return context.error("its constant_value is " + std::string(to_string(value.type)) + " " +
                       to_string(value.shape) + " instead of one " +
                       to_string(context.inputs[0].type));
}

Status check_form(const NodeContext& context) {
  using enum AttributeKind;
  if (has_attributes(context)) {
    HYPS_CHECK(check_node(context, {1, 1}, {{"mode", text}, {"pads", integers}, {"value", real}}));
    if (context.inputs[0].type != DType::f32 && context.real("value", 0) != 0) {
      return unsupported(context, "a value for " + std::string(to_string(context.inputs[0].type)));
    }
    return {};
  }
  const std::size_t most = context.opset < 18 ? 3 : 4;
  HYPS_CHECK(check_node(context, {2, most}, {{"mode", text}}));
  return check_value(context);
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_form(context));
  HYPS_TRY(const Mode mode, mode_of(context));
  HYPS_TRY(const Amounts amounts, amounts_of(context));
  Shape shape = context.shape(0);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    HYPS_TRY(shape[axis],
             padded_extent(context, mode, shape[axis], amounts.begin[axis], amounts.end[axis]));
  }
  return one_output(context, context.inputs[0].type, std::move(shape));
}

// The input index an output index shows; -1 for the constant value.
std::int64_t source_of(Mode mode, std::int64_t index, std::int64_t extent) {
  if (index >= 0 && index < extent) return index;
  if (mode == Mode::constant) return -1;
  if (mode == Mode::edge) return std::clamp<std::int64_t>(index, 0, extent - 1);
  return index < 0 ? -index : 2 * (extent - 1) - index;
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Mode mode = mode_of(context).value();
  const Amounts amounts = amounts_of(context).value();
  const Shape& extents = context.shape(0);
  const Shape strides = strides_of(extents);
  const auto source = [&](const Shape& position) {
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < position.size(); ++axis) {
      const std::int64_t index =
          source_of(mode, position[axis] - amounts.begin[axis], extents[axis]);
      if (index < 0) return std::int64_t{-1};
      offset += index * strides[axis];
    }
    return offset;
  };
  const float attribute = context.real("value", 0);
  const void* fill = context.has_input(kValue)              ? inputs[kValue]->data.data()
                     : context.inputs[0].type == DType::f32 ? static_cast<const void*>(&attribute)
                                                            : nullptr;
  return {gather(*inputs[0], context.outputs[0].shape, source, fill)};
}

Kernel kernel(const NodeContext& /*context*/) { return ReferenceKernel{}; }

// One axis of a tile: which inputs, and how much they grow.
struct AxisTile {
  Range input;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// REQUIRES: extent is not 0. nullopt where reflections would need more than they leave.
std::optional<AxisTile> tile_axis(Mode mode, std::int64_t extent, std::int64_t begin, Range range) {
  const std::int64_t first = range.begin - begin;  // in the input, or beside it
  const std::int64_t last = range.end - 1 - begin;
  AxisTile tile;
  tile.input = {std::clamp<std::int64_t>(first, 0, extent - 1),
                std::clamp<std::int64_t>(last, 0, extent - 1) + 1};
  if (last < 0 || first >= extent) {  // all of it padding: of a pixel that is cropped
    if (mode == Mode::reflect) return std::nullopt;
    tile.begin = range.size();
    tile.end = -1;
    return tile;
  }
  if (mode == Mode::reflect) {
    if (first < 0) tile.input.end = std::max(tile.input.end, 1 - first);
    if (last >= extent) {
      tile.input.begin = std::min(tile.input.begin, source_of(mode, last, extent));
    }
  }
  tile.begin = tile.input.begin - first;
  tile.end = range.size() - tile.input.size() - tile.begin;
  return tile;
}

void set_amounts(const Amounts& amounts, NodeTile& tile) {
  Shape pads = amounts.begin;
  pads.insert(pads.end(), amounts.end.begin(), amounts.end.end());
  if (tile.inputs.size() == 1) {  // before opset 11
    tile.node.attributes["pads"] = std::move(pads);
    return;
  }
  const auto rank = static_cast<std::int64_t>(amounts.begin.size());
  tile.constants[kPads] = Tensor::integers({2 * rank}, std::move(pads));
  if (tile.inputs.size() <= kAxes || tile.node.inputs[kAxes].empty()) return;
  Shape axes;
  for (std::int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  tile.constants[kAxes] = Tensor::integers({rank}, std::move(axes));
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  if (element_count(context.shape(0)) == 0) return std::nullopt;
  const Mode mode = mode_of(context).value();
  Amounts amounts = amounts_of(context).value();
  NodeTile tile = whole_tile(context, output);
  for (std::size_t i = 0; i < output.size(); ++i) {
    const std::size_t axis = i + 2;
    const auto part = tile_axis(mode, context.shape(0)[axis], amounts.begin[axis], output[i]);
    if (!part) return std::nullopt;
    tile.inputs[0].push_back(part->input);
    amounts.begin[axis] = part->begin;
    amounts.end[axis] = part->end;
  }
  set_amounts(amounts, tile);
  return tile;
}

}  // namespace

Operator pad() {
  return {.type = "Pad",
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
