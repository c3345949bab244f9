// ConvTranspose: the gradient of a convolution, which makes maps larger. 1 to 3 spatial axes,
// groups, dilations, explicit or automatic pads, output_padding, output_shape.
#include <algorithm>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"
#include "common/cnn/ops/support/transposed_window.hpp"

namespace hyps::cnn::ops {

namespace {

Shape kernel_of(const NodeContext& context) {
  const Shape& weights = context.shape(1);
  return {weights.begin() + 2, weights.end()};
}

std::int64_t groups_of(const NodeContext& context) { return context.integer("group", 1); }

Status check_channels(const NodeContext& context) {
  const std::int64_t channels = context.shape(0)[1];
  const std::int64_t groups = groups_of(context);
  if (groups < 1 || channels % groups != 0) {
    return context.error("group " + std::to_string(groups) + " does not divide " +
                         std::to_string(channels) + " input channels");
  }
  if (context.shape(1)[0] != channels) {
    return context.error("input has " + std::to_string(channels) + " channels, weights expect " +
                         std::to_string(context.shape(1)[0]));
  }
  return {};
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {2, 3},
                        {{"auto_pad", text},
                         {"dilations", integers},
                         {"group", integer},
                         {"kernel_shape", integers},
                         {"output_padding", integers},
                         {"output_shape", integers},
                         {"pads", integers},
                         {"strides", integers}}));
  HYPS_CHECK(check_floats(context));
  HYPS_CHECK(check_rank(context, 0, 3, 5));
  const std::size_t rank = context.shape(0).size();
  HYPS_CHECK(check_rank(context, 1, rank, rank));
  if (element_count(context.shape(0)) == 0) return context.error("its input has no elements");
  HYPS_CHECK(check_channels(context));
  const Shape kernel = kernel_of(context);
  if (context.integers("kernel_shape", kernel) != kernel) {
    return context.error("kernel_shape differs from the weights' shape " +
                         to_string(context.shape(1)));
  }
  const std::int64_t outputs = capped_product({context.shape(1)[1], groups_of(context)});
  if (context.has_input(2)) HYPS_CHECK(check_shape(context, 2, "bias", {outputs}));
  HYPS_TRY(const TransposedAxes window, transposed_axes(context, kernel));
  return one_map(context, window_output(context, outputs, window.axes));
}

WindowAxes axes_of(const NodeContext& context) {
  return transposed_axes(context, kernel_of(context)).value().axes;
}

// The bias is not counted, as in the figures usually given for networks.
std::int64_t flops(const NodeContext& context) {
  const Shape& weights = context.shape(1);
  return capped_product(
      {2, element_count(context.shape(0)), extent_product(weights, 1, weights.size())});
}

// The input elements whose tap falls on the output: input i's tap lies at first + i * stride.
struct Reach {
  std::int64_t first = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Reach reach_of(const WindowAxis& axis, std::int64_t tap) {
  Reach reach;
  reach.first = tap * axis.dilation - axis.pad_begin;
  if (reach.first < 0) reach.begin = (-reach.first + axis.stride - 1) / axis.stride;
  const std::int64_t room = axis.output - 1 - reach.first;
  reach.end = room < 0 ? 0 : std::min(axis.input, room / axis.stride + 1);
  return reach;
}

// Adds one input plane times one tap of the weights to the sums of one output plane.
void add_tap(const WindowVolume& axes, const std::array<Reach, 3>& reach, const float* x, double w,
             std::vector<double>& sums) {
  for (std::int64_t z = reach[0].begin; z < reach[0].end; ++z) {
    const std::int64_t to_z = reach[0].first + z * axes[0].stride;
    for (std::int64_t y = reach[1].begin; y < reach[1].end; ++y) {
      const std::int64_t to_y = reach[1].first + y * axes[1].stride;
      const float* row = x + (z * axes[1].input + y) * axes[2].input;
      const std::int64_t first = (to_z * axes[1].output + to_y) * axes[2].output + reach[2].first;
      for (std::int64_t i = reach[2].begin; i < reach[2].end; ++i) {
        sums[static_cast<std::size_t>(first + i * axes[2].stride)] +=
            static_cast<double>(row[i]) * w;
      }
    }
  }
}

void add_plane(const WindowVolume& axes, const float* x, const float* w,
               std::vector<double>& sums) {
  for (std::int64_t z = 0; z < axes[0].kernel; ++z) {
    for (std::int64_t y = 0; y < axes[1].kernel; ++y) {
      for (std::int64_t i = 0; i < axes[2].kernel; ++i) {
        const std::array reach{reach_of(axes[0], z), reach_of(axes[1], y), reach_of(axes[2], i)};
        add_tap(axes, reach, x, static_cast<double>(*w++), sums);
      }
    }
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const WindowVolume axes = volume_of(axes_of(context));
  const Shape& x = context.shape(0);
  const Shape& w = context.shape(1);
  const Shape& shape = context.outputs[0].shape;
  const std::int64_t inputs_per_group = x[1] / groups_of(context);
  const std::int64_t x_plane = extent_product(x, 2, x.size());
  const std::int64_t taps = extent_product(w, 2, w.size());
  std::vector<double> sums(static_cast<std::size_t>(extent_product(shape, 2, shape.size())));
  std::vector<float> y;
  y.reserve(static_cast<std::size_t>(element_count(shape)));
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    for (std::int64_t m = 0; m < shape[1]; ++m) {
      const float bias =
          context.has_input(2) ? inputs[2]->f32()[static_cast<std::size_t>(m)] : 0.0F;
      std::fill(sums.begin(), sums.end(), static_cast<double>(bias));
      const std::int64_t first = m / w[1] * inputs_per_group;
      for (std::int64_t c = first; c < first + inputs_per_group; ++c) {
        add_plane(axes, inputs[0]->f32().data() + (n * x[1] + c) * x_plane,
                  inputs[1]->f32().data() + (c * w[1] + m % w[1]) * taps, sums);
      }
      for (const double sum : sums) y.push_back(static_cast<float>(sum));
    }
  }
  return {Tensor::floats(shape, std::move(y))};
}

Kernel kernel(const NodeContext& context) {
  const auto [axes, plain] = transposed_axes(context, kernel_of(context)).value();
  if (!plain) return ReferenceKernel{};
  DeconvKernel kernel;
  kernel.groups = groups_of(context);
  for (const WindowAxis& axis : axes) {
    kernel.window.kernel.push_back(axis.kernel);
    kernel.window.strides.push_back(axis.stride);
    kernel.window.dilations.push_back(axis.dilation);
    kernel.window.pads_begin.push_back(axis.pad_begin);
    kernel.window.pads_end.push_back(axis.pad_end);
  }
  return kernel;
}

int slice_axis(const NodeContext& context) { return groups_of(context) == 1 ? 1 : -1; }

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (axis != slice_axis(context) || !is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[1] = {1, range};
  if (context.has_input(2)) slice.inputs[2] = {0, range};
  return slice;
}

// One axis of a tile: which inputs, and how their windows lie over the region.
struct AxisTile {
  Range input;
  std::int64_t pad_begin = 0;
  std::int64_t pad_end = 0;
  std::int64_t padding = 0;  // output_padding
};

// From the first input whose window reaches the region, or the last that begins before it if that
// one comes first (pads are never negative), to the last that begins in it.
AxisTile tile_axis(const WindowAxis& axis, Range output) {
  const std::int64_t first = output.begin + axis.pad_begin;
  const std::int64_t last = output.end - 1 + axis.pad_begin;
  const std::int64_t beyond = std::max<std::int64_t>(first - axis.extent() + 1, 0);
  const std::int64_t reaches = (beyond + axis.stride - 1) / axis.stride;
  AxisTile tile;
  tile.input.begin = std::min({reaches, first / axis.stride, axis.input - 1});
  tile.input.end = std::min(last / axis.stride + 1, axis.input);
  tile.pad_begin = first - tile.input.begin * axis.stride;
  const std::int64_t reach = (tile.input.size() - 1) * axis.stride + axis.extent();
  const std::int64_t behind = reach - tile.pad_begin - output.size();
  tile.pad_end = std::max<std::int64_t>(behind, 0);
  tile.padding = std::max<std::int64_t>(-behind, 0);
  return tile;
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  const WindowAxes axes = axes_of(context);
  NodeTile tile = whole_tile(context, output);
  Shape pads(2 * axes.size());
  Shape padding(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const AxisTile part = tile_axis(axes[i], output[i]);
    if (std::max({part.pad_begin, part.pad_end, part.padding}) > kMaxWindow) return std::nullopt;
    tile.inputs[0].push_back(part.input);
    pads[i] = part.pad_begin;
    pads[axes.size() + i] = part.pad_end;
    padding[i] = part.padding;
  }
  for (const char* name : {"auto_pad", "output_shape"}) tile.node.attributes.erase(name);
  tile.node.attributes["pads"] = std::move(pads);
  tile.node.attributes["output_padding"] = std::move(padding);
  return tile;
}

}  // namespace

Operator conv_transpose() {
  return {.type = "ConvTranspose",
          .role = LayerRole::starts,
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = slice_axis,
          .slice = slice,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
