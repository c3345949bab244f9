// What MaxPool and AveragePool share.
#pragma once

#include <utility>

#include "common/cnn/ops/support/window.hpp"

namespace hyps::cnn::ops {

// REQUIRES: infer_pool passed, for pool_axes.
Values infer_pool(const NodeContext& context);
WindowAxes pool_axes(const NodeContext& context);
std::int64_t pool_flops(const NodeContext& context);
std::optional<NodeTile> tile_pool(const NodeContext& context, const Region& output);
// nullopt too where the region's map is so small that infer_pool refuses it.
// REQUIRES: `axes` are those of the node, or have fewer taps.
std::optional<NodeTile> tile_pool(const NodeContext& context, const WindowAxes& axes,
                                  const Region& output);

// reduce(plane, taps) gives one output element from one plane [spatial axes] of x.
template <typename Reduce>
std::vector<Tensor> pool_planes(const NodeContext& context, const Tensor& x,
                                const WindowVolume& axes, const Reduce& reduce) {
  const Shape& shape = context.outputs[0].shape;
  const std::int64_t planes = shape[0] * shape[1];
  const std::int64_t plane_size = axes[0].input * axes[1].input * axes[2].input;
  std::vector<float> y;
  y.reserve(static_cast<std::size_t>(element_count(shape)));
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    const auto values = x.f32().subspan(static_cast<std::size_t>(plane * plane_size),
                                        static_cast<std::size_t>(plane_size));
    for_each_window(axes, [&](const TapVolume& taps) { y.push_back(reduce(values, taps)); });
  }
  return {Tensor::floats(shape, std::move(y))};
}

}  // namespace hyps::cnn::ops
