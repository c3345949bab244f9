// Tiles: what a node's tile computes from regions of its inputs is, bit for bit, the region of what
// the node computes from the whole.
#pragma once

#include <optional>
#include <vector>

#include "cases.hpp"

namespace hyps::cnn::testing {

// A non-empty part of every axis from the third on: a pixel, an edge, all of it or anything.
Region random_region(Random& random, const Shape& shape);

// REQUIRES: the case's shapes fit.
std::optional<NodeTile> tile_of(const Case& test, const Region& region);

// The case that computes the tile, from the same tensors.
Case tiled_case(const Case& test, const NodeTile& tile);

// The tile of one region, if there is one, has the numbers of the whole. Returns whether there is.
bool check_tile(const Case& test, const Region& region);

// How many of some random regions of the first output have a tile; all are checked.
int count_tiles(const Case& test, Random& random, int regions);

// Every region has a tile, or none has.
void expect_tiles(const Case& test, Random& random);
void expect_no_tiles(const Case& test, Random& random);

}  // namespace hyps::cnn::testing
