// AveragePool: 1 to 3 spatial axes, ceil_mode, count_include_pad, dilations (opset 19).
#include <algorithm>

#include "common/cnn/ops/support/pooling.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

bool counts_pads(const NodeContext& context) {
  return context.integer("count_include_pad", 0) != 0;
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {1, 1},
                        {{"auto_pad", text},
                         {"ceil_mode", integer},
                         {"count_include_pad", integer},
                         {"dilations", integers},
                         {"kernel_shape", integers},
                         {"pads", integers},
                         {"strides", integers}}));
  return infer_pool(context);
}

// Taps on the input or on the pads the model names, not on what ceil_mode adds behind them.
std::int64_t padded_taps(const WindowAxis& axis, const Taps& taps) {
  const std::int64_t room = axis.input + axis.pad_end - 1 - taps.start;
  return std::min(axis.kernel, room / axis.dilation + 1);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const WindowVolume axes = volume_of(pool_axes(context));
  const bool with_pads = counts_pads(context);
  const auto average = [&](std::span<const float> plane, const TapVolume& taps) {
    double sum = 0;
    for_each_tap(axes, taps, [&](std::int64_t at, std::int64_t /*tap*/) {
      sum += static_cast<double>(plane[static_cast<std::size_t>(at)]);
    });
    double count = 1;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::int64_t inside = taps[i].end - taps[i].begin;
      count *= static_cast<double>(with_pads ? padded_taps(axes[i], taps[i]) : inside);
    }
    return static_cast<float>(sum / count);
  };
  return pool_planes(context, *inputs[0], axes, average);
}

Kernel kernel(const NodeContext& context) {
  const WindowAxes axes = pool_axes(context);
  Window window = kernel_window(axes);
  if (!counts_pads(context)) {
    return PoolKernel{PoolKernel::Kind::average_without_pads, std::move(window)};
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (window.pads_end[i] != axes[i].pad_end) return ReferenceKernel{};  // ceil_mode added pads
  }
  return PoolKernel{PoolKernel::Kind::average_with_pads, std::move(window)};
}

// Where ceil_mode lets the last window end behind the pads the model names, its taps there do not
// count: several windows need ceil_mode again, a single one does without those taps.
std::optional<NodeTile> tile(const NodeContext& context, const Region& output) {
  WindowAxes axes = pool_axes(context);
  if (!counts_pads(context)) return tile_pool(context, axes, output);
  if (!is_region_of_output(context, output)) return std::nullopt;
  Shape uncounted(axes.size(), 0);  // taps' room behind the named pads
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Taps last = taps_of(axes[i], output[i].end - 1);
    const std::int64_t behind = last.start + axes[i].extent() - axes[i].input - axes[i].pad_end;
    if (behind <= 0) continue;
    if (output[i].size() == 1) {
      axes[i].kernel = padded_taps(axes[i], last);
    } else {
      uncounted[i] = behind;
    }
  }
  auto tile = tile_pool(context, axes, output);
  if (!tile) return std::nullopt;
  tile->node.attributes["kernel_shape"] = kernel_window(axes).kernel;
  auto& pads = std::get<std::vector<std::int64_t>>(tile->node.attributes["pads"]);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (uncounted[i] == 0) continue;
    pads[axes.size() + i] -= uncounted[i];
    tile->node.attributes["ceil_mode"] = std::int64_t{1};
  }
  return tile;
}

}  // namespace

Operator average_pool() {
  return {.type = "AveragePool",
          .role = LayerRole::starts,
          .pooling = true,
          .infer = infer,
          .flops = pool_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_channels,
          .tile = tile};
}

}  // namespace hyps::cnn::ops
