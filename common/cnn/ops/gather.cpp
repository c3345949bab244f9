// Gather: elements of one axis by constant indices; negative ones count from the end.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Result<std::size_t> axis_of(const NodeContext& context) {
  return normal_axis(context, context.integer("axis", 0), context.shape(0).size());
}

// In [0, extent).
Result<std::vector<std::int64_t>> indices_of(const NodeContext& context, std::int64_t extent) {
  const Tensor* tensor = context.constants[1];
  Tensor flat;
  if (tensor != nullptr) flat = {tensor->type, {element_count(tensor->shape)}, tensor->data};
  NodeContext as_list = context;
  as_list.constants[1] = tensor == nullptr ? nullptr : &flat;
  HYPS_TRY(auto indices, constant_integers(as_list, 1, "the indices"));
  for (std::int64_t& index : indices) {
    if (index < -extent || index >= extent) {
      return context.error("index " + std::to_string(index) + " is outside an extent of " +
                           std::to_string(extent));
    }
    if (index < 0) index += extent;
  }
  return indices;
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}, {{"axis", AttributeKind::integer}}));
  HYPS_TRY(const std::size_t axis, axis_of(context));
  const Shape& data = context.shape(0);
  HYPS_CHECK(indices_of(context, data[axis]));
  const auto at = static_cast<std::ptrdiff_t>(axis);
  Shape shape(data.begin(), data.begin() + at);
  shape.insert(shape.end(), context.shape(1).begin(), context.shape(1).end());
  shape.insert(shape.end(), data.begin() + at + 1, data.end());
  return one_output(context, context.inputs[0].type, std::move(shape));
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const std::size_t axis = axis_of(context).value();
  const Shape& data = context.shape(0);
  const auto indices = indices_of(context, data[axis]).value();
  const std::size_t run = static_cast<std::size_t>(extent_product(data, axis + 1, data.size())) *
                          size_of(inputs[0]->type);
  const Value& output = context.outputs[0];
  const std::int64_t outer = output.bytes() == 0 ? 0 : extent_product(data, 0, axis);
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(output.bytes()));
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t index : indices) {
      const auto at = static_cast<std::size_t>(o * data[axis] + index) * run;
      const auto part = inputs[0]->data.bytes().subspan(at, run);
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
  }
  return {Tensor{output.type, output.shape, Blob::of(std::move(bytes))}};
}

// Along the axes that come from the data unchanged.
std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (!is_part_of_output(context, axis, range)) return std::nullopt;
  const auto gathered = static_cast<int>(axis_of(context).value());
  const auto added = static_cast<int>(context.shape(1).size());
  if (axis >= gathered && axis < gathered + added) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[0] = {axis < gathered ? axis : axis - added + 1, range};
  return slice;
}

// Where batch or channels are gathered.
std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  const std::size_t gathered = axis_of(context).value();
  if (gathered >= 2) return std::nullopt;
  std::vector<int> sources;
  for (std::size_t axis = 0; axis < context.shape(0).size(); ++axis) {
    if (axis == gathered) {
      sources.insert(sources.end(), context.shape(1).size(), -1);
    } else {
      sources.push_back(static_cast<int>(axis));
    }
  }
  return tile_moved(context, output, sources);
}

}  // namespace

Operator gather() {
  return {.type = "Gather",
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
