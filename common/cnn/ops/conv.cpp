// Conv: 1 to 3 spatial axes, groups, dilations, explicit or automatic pads.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/window_tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Shape kernel_of(const NodeContext& context) {
  const Shape& weights = context.shape(1);
  return {weights.begin() + 2, weights.end()};
}

WindowAxes axes_of(const NodeContext& context) {
  return window_axes(context, kernel_of(context), false).value();
}

Status check_channels(const NodeContext& context, std::int64_t groups) {
  const std::int64_t channels = context.shape(0)[1];
  const std::int64_t outputs = context.shape(1)[0];
  const std::int64_t per_group = context.shape(1)[1];
  if (groups < 1 || channels % groups != 0 || outputs % groups != 0) {
    return context.error("group " + std::to_string(groups) + " does not divide " +
                         std::to_string(channels) + " input and " + std::to_string(outputs) +
                         " output channels");
  }
  if (channels / groups != per_group) {
    return context.error("input has " + std::to_string(channels) + " channels, weights expect " +
                         std::to_string(capped_product({per_group, groups})));
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
                         {"pads", integers},
                         {"strides", integers}}));
  HYPS_CHECK(check_floats(context));
  HYPS_CHECK(check_rank(context, 0, 3, 5));
  const std::size_t rank = context.shape(0).size();
  HYPS_CHECK(check_rank(context, 1, rank, rank));
  HYPS_CHECK(check_channels(context, context.integer("group", 1)));
  const Shape kernel = kernel_of(context);
  if (context.integers("kernel_shape", kernel) != kernel) {
    return context.error("kernel_shape differs from the weights' shape " +
                         to_string(context.shape(1)));
  }
  const std::int64_t outputs = context.shape(1)[0];
  if (context.has_input(2)) HYPS_CHECK(check_shape(context, 2, "bias", {outputs}));
  HYPS_TRY(const WindowAxes axes, window_axes(context, kernel, false));
  return one_map(context, window_output(context, outputs, axes));
}

// The bias is not counted, as in the figures usually given for networks.
std::int64_t flops(const NodeContext& context) {
  const Shape& weights = context.shape(1);
  return capped_product({2, output_elements(context), extent_product(weights, 1, weights.size())});
}

// One output plane: `x` the planes of its group's input channels, `w` the weights of one output
// channel.
void convolve_plane(const WindowVolume& axes, std::span<const float> x, std::span<const float> w,
                    double bias, std::vector<float>& y) {
  const std::int64_t plane = axes[0].input * axes[1].input * axes[2].input;
  const std::int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
  const std::int64_t channels = static_cast<std::int64_t>(w.size()) / kernel;
  for_each_window(axes, [&](const TapVolume& taps) {
    double sum = bias;
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* input = x.data() + c * plane;
      const float* weights = w.data() + c * kernel;
      for_each_tap(axes, taps, [&](std::int64_t at, std::int64_t tap) {
        sum += static_cast<double>(input[at]) * static_cast<double>(weights[tap]);
      });
    }
    y.push_back(static_cast<float>(sum));
  });
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const WindowVolume axes = volume_of(axes_of(context));
  const Shape& x_shape = context.shape(0);
  const Shape& y_shape = context.outputs[0].shape;
  const std::int64_t groups = context.integer("group", 1);
  const auto group_size =
      static_cast<std::size_t>(x_shape[1] / groups * extent_product(x_shape, 2, x_shape.size()));
  const auto filter_size =
      static_cast<std::size_t>(extent_product(context.shape(1), 1, context.shape(1).size()));
  std::vector<float> y;
  y.reserve(static_cast<std::size_t>(element_count(y_shape)));
  for (std::int64_t n = 0; n < y_shape[0]; ++n) {
    for (std::int64_t m = 0; m < y_shape[1]; ++m) {
      const auto channel = static_cast<std::size_t>(m);
      const auto group = static_cast<std::size_t>(n * groups + m / (y_shape[1] / groups));
      const float bias = context.has_input(2) ? inputs[2]->f32()[channel] : 0.0F;
      convolve_plane(axes, inputs[0]->f32().subspan(group * group_size, group_size),
                     inputs[1]->f32().subspan(channel * filter_size, filter_size),
                     static_cast<double>(bias), y);
    }
  }
  return {Tensor::floats(y_shape, std::move(y))};
}

Kernel kernel(const NodeContext& context) {
  return ConvKernel{kernel_window(axes_of(context)), context.integer("group", 1)};
}

int slice_axis(const NodeContext& context) { return context.integer("group", 1) == 1 ? 1 : -1; }

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (axis != slice_axis(context) || !is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[1] = {0, range};
  if (context.has_input(2)) slice.inputs[2] = {0, range};
  return slice;
}

std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  return tile_windows(context, axes_of(context), output);
}

}  // namespace

Operator conv() {
  return {.type = "Conv",
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
