#include "common/cnn/ops/support/tiling.hpp"

#include <algorithm>

namespace hyps::cnn::ops {

std::optional<NodeTile> no_tile(const NodeContext& /*context*/, const Region& /*output*/) {
  return std::nullopt;
}

bool is_region_of_output(const NodeContext& context, const Region& region) {
  const Shape& shape = context.outputs.at(0).shape;
  if (shape.size() < 3 || region.size() != shape.size() - 2) return false;
  if (element_count(shape) == 0) return false;
  for (std::size_t i = 0; i < region.size(); ++i) {
    const Range range = region[i];
    if (range.begin < 0 || range.begin >= range.end || range.end > shape[i + 2]) return false;
  }
  return true;
}

NodeTile whole_tile(const NodeContext& context, const Region& output) {
  return {context.node, output, std::vector<Region>(context.node.inputs.size()), {}};
}

Shape tile_shape(const NodeContext& context, const Region& output) {
  Shape shape = context.outputs[0].shape;
  for (std::size_t i = 0; i < output.size(); ++i) shape[i + 2] = output[i].size();
  return shape;
}

Tensor tile_extents(const NodeContext& context, const Region& output) {
  const Shape shape = tile_shape(context, output);
  return Tensor::integers({static_cast<std::int64_t>(shape.size())}, shape);
}

Region broadcast_region(const Shape& operand, const Region& region) {
  Region part;
  bool repeated = true;
  for (std::size_t i = std::min(operand.size(), region.size()); i > 0; --i) {
    const bool one = operand[operand.size() - i] == 1;
    part.push_back(one ? Range{0, 1} : region[region.size() - i]);
    repeated = repeated && one;
  }
  return repeated ? Region{} : part;
}

std::optional<NodeTile> tile_first_input(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  NodeTile tile = whole_tile(context, output);
  tile.inputs[0] = output;
  return tile;
}

std::optional<NodeTile> tile_broadcast(const NodeContext& context, const Region& output) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  NodeTile tile = whole_tile(context, output);
  for (std::size_t i = 0; i < tile.inputs.size(); ++i) {
    tile.inputs[i] = broadcast_region(context.shape(i), output);
  }
  return tile;
}

std::optional<NodeTile> tile_moved(const NodeContext& context, const Region& output,
                                   const std::vector<int>& sources) {
  if (!is_region_of_output(context, output)) return std::nullopt;
  NodeTile tile = whole_tile(context, output);
  Region input = whole_region(context.shape(0));
  for (std::size_t i = 0; i < output.size(); ++i) {
    const int source = sources[i + 2];
    if (source >= 2) {
      input[static_cast<std::size_t>(source) - 2] = output[i];
    } else if (output[i].size() != context.outputs[0].shape[i + 2]) {
      return std::nullopt;  // batch and channels cannot be cut
    }
  }
  tile.inputs[0] = std::move(input);
  return tile;
}

}  // namespace hyps::cnn::ops
