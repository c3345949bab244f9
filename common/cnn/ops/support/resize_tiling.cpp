#include "common/cnn/ops/support/resize_tiling.hpp"

#include <algorithm>
#include <cmath>

#include "common/cnn/ops/support/resize_mix.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

// Every output of a region is looked at, so that many of an axis at most.
constexpr std::int64_t kMostOutputs = 1 << 20;

// So many inputs give so many outputs, and then it begins again.
struct Period {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
};

std::optional<Period> period_of(const ResizeAxis& axis) {
  constexpr std::int64_t longest = 64;
  for (std::int64_t inputs = 1; inputs <= std::min(longest, axis.input); ++inputs) {
    const double outputs = axis.scale * static_cast<double>(inputs);
    if (outputs < 1 || outputs != std::floor(outputs)) continue;
    return Period{inputs, static_cast<std::int64_t>(outputs)};
  }
  return std::nullopt;
}

// Inputs that the outputs of a range are mixed from.
Range sources_of(const ResizePlan& plan, const ResizeAxis& axis, Range range) {
  Range sources{axis.input, 0};
  for (std::int64_t at = range.begin; at < range.end; ++at) {
    const Mix mix = mix_of(plan, axis, at);
    for (std::size_t k = 0; k < mix.count; ++k) {
      sources.begin = std::min(sources.begin, mix.from[k]);
      sources.end = std::max(sources.end, mix.from[k] + 1);
    }
  }
  return sources;
}

struct AxisTile {
  Range input;
  Range output;
};

// In whole periods; the last one may be cut off by the end of the map.
AxisTile whole_periods(const ResizeAxis& axis, const Period& period, Range sources, Range range) {
  const auto up = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  const std::int64_t first = std::min(sources.begin / period.inputs, range.begin / period.outputs);
  const std::int64_t last = std::max(up(sources.end, period.inputs), up(range.end, period.outputs));
  AxisTile tile;
  tile.input = {first * period.inputs, std::min(last * period.inputs, axis.input)};
  const double outputs = std::floor(static_cast<double>(tile.input.size()) * axis.scale);
  tile.output.begin = first * period.outputs;
  tile.output.end = tile.output.begin + static_cast<std::int64_t>(outputs);
  return tile;
}

// Whether the smaller map gives the range the very same mixes.
bool mixes_alike(const ResizePlan& plan, const ResizeAxis& axis, const AxisTile& tile,
                 Range range) {
  ResizeAxis part = axis;
  part.input = tile.input.size();
  part.output = tile.output.size();
  for (std::int64_t at = range.begin; at < range.end; ++at) {
    Mix mix = mix_of(plan, part, at - tile.output.begin);
    for (std::size_t k = 0; k < mix.count; ++k) mix.from[k] += tile.input.begin;
    if (mix != mix_of(plan, axis, at)) return false;
  }
  return true;
}

// pytorch_half_pixel takes a map of one output from another place: then two are given.
Range enlarged(const ResizePlan& plan, const ResizeAxis& axis, Range range) {
  if (plan.coordinates != Coordinates::pytorch_half_pixel || range.size() > 1) return range;
  if (range.end < axis.output) return {range.begin, range.end + 1};
  return {std::max<std::int64_t>(range.begin - 1, 0), range.end};
}

std::optional<AxisTile> tile_axis(const ResizePlan& plan, const ResizeAxis& axis, Range range) {
  if (leaves_alone(plan, axis)) return AxisTile{range, range};
  const auto period = period_of(axis);
  if (!period || range.size() > kMostOutputs) return std::nullopt;
  const Range given = enlarged(plan, axis, range);
  const AxisTile tile = whole_periods(axis, *period, sources_of(plan, axis, given), given);
  const bool holds = tile.output.begin <= range.begin && range.end <= tile.output.end &&
                     tile.input.begin < tile.input.end;
  if (!holds || !mixes_alike(plan, axis, tile, range)) return std::nullopt;
  return tile;
}

}  // namespace

std::optional<NodeTile> tile_resized(const NodeContext& context, const ResizePlan& plan,
                                     const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  if (plan.coordinates == Coordinates::tf_crop_and_resize) return std::nullopt;
  NodeTile tile = whole_tile(context, output);
  for (std::size_t i = 0; i < output.size(); ++i) {
    const auto part = tile_axis(plan, plan.axes[i + 2], output[i]);
    if (!part) return std::nullopt;
    tile.inputs[0].push_back(part->input);
    tile.output[i] = part->output;
  }
  return tile;
}

}  // namespace hyps::cnn::ops
