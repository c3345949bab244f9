#include "tiles.hpp"

#include <algorithm>

namespace hyps::cnn::testing {

namespace {

constexpr int kRegions = 8;

Range random_range(Random& random, std::int64_t extent) {
  const std::int64_t begin = random.between(0, extent - 1);
  switch (random.below(5)) {
    case 0:
      return {begin, begin + 1};
    case 1:
      return {0, begin + 1};
    case 2:
      return {begin, extent};
    case 3:
      return {0, extent};
    default:
      return {begin, random.between(begin + 1, extent)};
  }
}

bool holds(const Region& outer, const Region& inner) {
  return std::equal(outer.begin(), outer.end(), inner.begin(), inner.end(),
                    [](Range a, Range b) { return a.begin <= b.begin && b.end <= a.end; });
}

void expect_inside(const Region& region, const Shape& shape) {
  ASSERT_LE(region.size(), shape.size());
  for (std::size_t i = 1; i <= region.size(); ++i) {
    const Range range = region[region.size() - i];
    EXPECT_GE(range.begin, 0);
    EXPECT_LT(range.begin, range.end);
    EXPECT_LE(range.end, shape[shape.size() - i]);
  }
}

void expect_well_formed(const Case& test, const NodeTile& tile, const Region& region) {
  EXPECT_TRUE(holds(tile.output, region));
  ASSERT_EQ(tile.inputs.size(), test.inputs.size());
  EXPECT_EQ(tile.node.inputs.size(), test.inputs.size());
  for (std::size_t i = 0; i < tile.inputs.size(); ++i) {
    if (test.inputs[i]) expect_inside(tile.inputs[i], test.inputs[i]->shape);
  }
  for (const auto& [input, tensor] : tile.constants) {
    EXPECT_FALSE(test.variable.contains(input)) << "input " << input << " is no constant";
  }
}

}  // namespace

Region random_region(Random& random, const Shape& shape) {
  Region region;
  for (const Range axis : whole_region(shape)) {
    region.push_back(random_range(random, axis.size()));
  }
  return region;
}

std::optional<NodeTile> tile_of(const Case& test, const Region& region) {
  Graph graph = graph_of(test);
  const Status status = infer_shapes(graph);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return find_operator(test.op)->tile(context_of(graph, graph.nodes[0]), region);
}

Case tiled_case(const Case& test, const NodeTile& tile) {
  Case part = test;
  part.op = tile.node.op;
  part.attributes = tile.node.attributes;
  for (std::size_t i = 0; i < part.inputs.size(); ++i) {
    if (part.inputs[i]) part.inputs[i] = crop(*part.inputs[i], tile.inputs.at(i));
  }
  for (const auto& [input, tensor] : tile.constants) part.inputs.at(input) = tensor;
  return part;
}

bool check_tile(const Case& test, const Region& region) {
  const auto tile = tile_of(test, region);
  if (!tile) return false;
  expect_well_formed(test, *tile, region);
  const auto whole = run_all(test);
  const auto part = run_all(tiled_case(test, *tile));
  EXPECT_TRUE(part.ok()) << part.error().message;
  if (!part.ok()) return true;
  for (std::size_t i = 0; i < whole->size(); ++i) {
    const Tensor expected = crop(whole->at(i), region);
    const Tensor given = crop(whole->at(i), tile->output);
    EXPECT_EQ(part->at(i).shape, given.shape);
    if (part->at(i).shape != given.shape) return true;
    const Tensor actual = crop(part->at(i), relative_to(tile->output, region));
    EXPECT_EQ(actual.type, expected.type);
    EXPECT_EQ(actual.data, expected.data) << test.op << " " << to_string(actual.shape);
  }
  return true;
}

int count_tiles(const Case& test, Random& random, int regions) {
  const auto whole = run_all(test);
  EXPECT_TRUE(whole.ok()) << whole.error().message;
  if (!whole.ok() || element_count(whole->at(0).shape) == 0) return 0;
  int tiles = 0;
  for (int i = 0; i < regions; ++i) {
    tiles += check_tile(test, random_region(random, whole->at(0).shape)) ? 1 : 0;
  }
  return tiles;
}

void expect_tiles(const Case& test, Random& random) {
  SCOPED_TRACE(test.op);
  EXPECT_EQ(count_tiles(test, random, kRegions), kRegions);
}

void expect_no_tiles(const Case& test, Random& random) {
  SCOPED_TRACE(test.op);
  EXPECT_EQ(count_tiles(test, random, kRegions), 0);
}

}  // namespace hyps::cnn::testing
