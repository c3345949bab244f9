// Which groups of layers become tiles, and how many (private to this folder). Fused tile
// partitioning (Zhao et al. 2018), with bands of rows for tiles: a band of the group's result is
// computed from a band of its input, and what lies between is never in memory as a whole.
#pragma once

#include <optional>
#include <vector>

#include "common/partition/divisions.hpp"

namespace hyps::partition {

inline constexpr std::size_t kMostTiledLayers = 8;  // of a group that is chosen, not asked for
inline constexpr int kMostTiles = 64;               // of such a group
// Up to so many tiles, their feature maps take at most half of the threshold; with more, whose
// common borders and inputs cost more than room on the way is worth, they may take all of it.
inline constexpr int kFewTiles = 8;

// Whole layers, one after another.
struct TileGroup {
  std::size_t first = 0;
  std::size_t last = 0;
  int count = 0;  // of tiles; 0: as few as fit
};

// Those asked for, in order; they do not overlap. Errors: invalid, naming the layers that cannot be
// tiled and why.
Result<std::vector<TileGroup>> requested_groups(const cnn::Graph& graph, const Flow& flow,
                                                const std::vector<Layer>& layers,
                                                const Request& request);

// Whether a layer is tiled unasked: nothing else is asked for by hand, the threshold is in bytes,
// and the layer's feature maps take more than half of it. A device also holds maps on their way in
// and out.
bool is_tiled_unasked(const Flow& flow, const Layer& layer, const Request& request);

// All groups of layers that hold this one, none of them before `floor`, those first that take and
// give the fewest bytes, then the shorter. Left out are those that do not give one map with rows;
// whose weights and input alone exceed the threshold; or whose result, in pieces and joined, does:
// nobody could go on with that. Whether a tile of them can be had is not looked at.
std::vector<TileGroup> groups_around(const cnn::Graph& graph, const Flow& flow,
                                     const std::vector<Layer>& layers, std::size_t layer,
                                     std::size_t floor, const Threshold& threshold);

// The group's run of nodes: axis and extent of the rows of its result, which must have rows.
SliceableRun run_of(const cnn::Graph& graph, const std::vector<Layer>& layers,
                    const TileGroup& group);

// `base` (its run and what it joins) divided into `count` tiles, or as few as fit (0: of a group
// that was not asked for). nullopt: no number that is allowed fits the threshold.
std::optional<Division> divide_into_tiles(const cnn::Graph& graph, const Flow& flow,
                                          const Threshold& threshold, const Division& base,
                                          int count);

}  // namespace hyps::partition
