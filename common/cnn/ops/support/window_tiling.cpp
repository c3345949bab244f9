#include "common/cnn/ops/support/window_tiling.hpp"

#include <algorithm>

namespace hyps::cnn::ops {

std::optional<NodeTile> tile_windows(const NodeContext& context, const WindowAxes& axes,
                                     const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  NodeTile tile = whole_tile(context, output);
  std::vector<std::int64_t> pads(2 * axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const WindowAxis& axis = axes[i];
    const std::int64_t begin = output[i].begin * axis.stride - axis.pad_begin;
    const std::int64_t end = (output[i].end - 1) * axis.stride - axis.pad_begin + axis.extent();
    const Range input{std::max<std::int64_t>(begin, 0), std::min(end, axis.input)};
    if (input.begin >= input.end) return std::nullopt;
    pads[i] = input.begin - begin;
    pads[axes.size() + i] = end - input.end;
    tile.inputs[0].push_back(input);
  }
  tile.node.attributes["pads"] = std::move(pads);
  tile.node.attributes.erase("auto_pad");
  tile.node.attributes.erase("ceil_mode");
  return tile;
}

}  // namespace hyps::cnn::ops
