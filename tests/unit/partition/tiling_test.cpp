// Fused groups of layers, tile by tile: put together, they are the whole, bit for bit.
#include "common/partition/tiling.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/zoo/zoo.hpp"
#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

using cnn::Graph;
using cnn::NodeTile;
using cnn::Range;
using cnn::Region;
using cnn::Tensor;

// A value, or a region of it.
struct Held {
  Tensor tensor;
  Region region;  // nothing: all of it
};
using Holdings = std::map<std::string, Held>;

// The one-node graph of a tile, of the parts of what is held.
Graph graph_of(const Graph& graph, const NodeTile& tile, const Holdings& held,
               std::vector<Tensor>& inputs) {
  Graph part;
  part.opset = graph.opset;
  part.nodes.push_back(tile.node);
  for (std::size_t i = 0; i < tile.inputs.size(); ++i) {
    std::string& name = part.nodes[0].inputs[i];
    if (name.empty()) continue;
    const auto weight = graph.weights.find(name);
    const std::string original = name;
    name += "." + std::to_string(i);  // one input may be read in two ways
    if (tile.constants.contains(i)) {
      part.weights[name] = tile.constants.at(i);
    } else if (weight != graph.weights.end()) {
      part.weights[name] = cnn::crop(weight->second, tile.inputs[i]);
    } else {
      const Held& value = held.at(original);
      inputs.push_back(cnn::crop(value.tensor, cnn::relative_to(value.region, tile.inputs[i])));
      part.inputs.push_back({name, inputs.back().type, inputs.back().shape});
    }
  }
  for (const auto& output : tile.node.outputs) part.outputs.push_back({output, {}, {}});
  return part;
}

void run_tile(const Graph& graph, const NodeTile& tile, Holdings& held) {
  std::vector<Tensor> inputs;
  Graph part = graph_of(graph, tile, held, inputs);
  const auto status = cnn::infer_shapes(part);
  ASSERT_TRUE(status.ok()) << status.error().message;
  const auto outputs = cnn::run_reference(part, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    held[tile.node.outputs[i]] = {outputs->at(i), tile.output};
  }
}

// All values of the graph, from its inputs.
Holdings run_whole(const Graph& graph, std::uint64_t seed) {
  Holdings held;
  const auto inputs = random_inputs(graph, seed);
  for (std::size_t i = 0; i < inputs.size(); ++i) held[graph.inputs[i].name] = {inputs[i], {}};
  for (const auto& node : graph.nodes) {
    const NodeTile whole{node, {}, std::vector<Region>(node.inputs.size()), {}};
    run_tile(graph, whole, held);
  }
  return held;
}

const std::string& result_of(const Graph& graph, Range nodes) {
  return graph.nodes[static_cast<std::size_t>(nodes.end - 1)].outputs[0];
}

// Of one tile, from nothing but the regions it says it needs.
void expect_like_whole(const Graph& graph, Range nodes, const GroupTile& group,
                       const Region& region, const Holdings& whole) {
  ASSERT_EQ(static_cast<std::int64_t>(group.nodes.size()), nodes.size());
  Holdings held;
  for (const auto& [name, needed] : group.inputs) {
    held[name] = {cnn::crop(whole.at(name).tensor, needed), needed};
  }
  for (const auto& tile : group.nodes) run_tile(graph, tile, held);
  if (::testing::Test::HasFatalFailure()) return;
  const Held& result = held.at(result_of(graph, nodes));
  const Tensor actual = cnn::crop(result.tensor, cnn::relative_to(result.region, region));
  const Tensor expected = cnn::crop(whole.at(result_of(graph, nodes)).tensor, region);
  ASSERT_EQ(actual.shape, expected.shape);
  ASSERT_TRUE(actual.data == expected.data) << "not the same bits";
}

// Rows and columns cut into at most three each.
std::vector<Region> grid_of(const cnn::Shape& shape) {
  std::vector<Region> regions{{}};
  for (const Range axis : cnn::whole_region(shape)) {
    const std::int64_t parts = std::min<std::int64_t>(3, axis.size());
    std::vector<Region> longer;
    for (const Region& region : regions) {
      for (std::int64_t i = 0; i < parts; ++i) {
        longer.push_back(region);
        longer.back().push_back({axis.size() * i / parts, axis.size() * (i + 1) / parts});
      }
    }
    regions = std::move(longer);
  }
  return regions;
}

// How many tiles there were: all of the grid or none.
int check_grid(const Graph& graph, Range nodes, const Holdings& whole) {
  SCOPED_TRACE(fmt::format("nodes {} to {}", nodes.begin, nodes.end));
  int tiles = 0;
  const auto regions = grid_of(graph.value(result_of(graph, nodes)).shape);
  for (const Region& region : regions) {
    const auto group = tile_group(graph, nodes, region);
    if (!group) continue;
    ++tiles;
    expect_like_whole(graph, nodes, *group, region, whole);
    if (::testing::Test::HasFailure()) return tiles;
  }
  EXPECT_TRUE(tiles == 0 || tiles == static_cast<int>(regions.size()));
  return tiles;
}

TEST(Tiling, random_groups_of_random_graphs_equal_the_whole) {
  int groups = 0;
  int tiles = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const Graph graph = random_graph(seed);
    const Holdings whole = run_whole(graph, seed);
    Random random(seed);
    for (int i = 0; i < 6; ++i) {
      const auto count = static_cast<std::int64_t>(graph.nodes.size());
      const std::int64_t begin = random.between(0, count - 1);
      const Range nodes{begin, std::min(count, begin + random.between(1, 8))};
      const int found = check_grid(graph, nodes, whole);
      groups += found > 0 ? 1 : 0;
      tiles += found;
    }
    if (::testing::Test::HasFailure()) return;
  }
  fmt::print("{} groups of {} tiles\n", groups, tiles);
  EXPECT_GT(groups, 200);
}

// The first nodes of a network, for a smaller picture.
Graph beginning_of(const std::string& name, std::size_t nodes, std::int64_t side) {
  auto made = zoo::make(name, 7);
  EXPECT_TRUE(made.ok()) << made.error().message;
  if (!made.ok()) return {};
  Graph graph = std::move(made).value();
  graph.nodes.resize(nodes);
  graph.inputs[0].shape = {1, 3, side, side};
  graph.values.clear();
  graph.outputs = {{graph.nodes.back().outputs[0], {}, {}}};
  const auto status = cnn::infer_shapes(graph);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return graph;
}

struct Beginning {
  const char* name;
  std::size_t nodes;
  std::int64_t side;
};

class Beginnings : public ::testing::TestWithParam<Beginning> {};

TEST_P(Beginnings, fused_in_tiles_equal_the_whole) {
  const Beginning& beginning = GetParam();
  const Graph graph = beginning_of(beginning.name, beginning.nodes, beginning.side);
  const Range nodes{0, static_cast<std::int64_t>(graph.nodes.size())};
  EXPECT_EQ(check_grid(graph, nodes, run_whole(graph, 1)), 9);
}

INSTANTIATE_TEST_SUITE_P(Networks, Beginnings,
                         ::testing::Values(Beginning{"vgg16", 5, 20}, Beginning{"resnet18", 11, 32},
                                           Beginning{"squeezenet1_1", 10, 31},
                                           Beginning{"yolov2", 8, 24}, Beginning{"unet", 7, 24}),
                         [](const auto& beginning) { return beginning.param.name; });

// Encoder, transposed convolution and skip connection, as U-Net has them.
TEST(Tiling, values_read_twice_are_computed_for_both_readers) {
  GraphMaker maker(3);
  const std::string x = maker.input("image", {1, 2, 12, 12});
  const std::string skip = maker.add("Relu", {maker.conv(x, 2, 4, 3)});
  const std::string deep = maker.conv(maker.pool(skip), 4, 4, 3);
  const std::string up = maker.add("ConvTranspose", {deep, maker.weight({4, 4, 2, 2}, 0.5F)},
                                   {{"strides", std::vector<std::int64_t>{2, 2}}});
  const std::string both = maker.add("Concat", {up, skip}, {{"axis", std::int64_t{1}}}, "both");
  maker.conv(both, 8, 3, 3, "end");
  const Graph graph = maker.finish();
  const Range nodes{0, static_cast<std::int64_t>(graph.nodes.size())};
  EXPECT_EQ(check_grid(graph, nodes, run_whole(graph, 1)), 9);
  const auto group = tile_group(graph, nodes, {{0, 4}, {4, 8}});
  ASSERT_TRUE(group);
  // The last convolution needs a pixel more of the two joined maps, and so of the skipped one; but
  // by way of pool and transposed convolution, 8 rows and all columns.
  EXPECT_EQ(group->nodes[5].output, (Region{{0, 5}, {3, 9}}));
  EXPECT_EQ(group->nodes[1].output, (Region{{0, 8}, {0, 12}}));
  EXPECT_EQ(group->inputs, (std::map<std::string, Region>{{"image", {{0, 9}, {0, 12}}}}));
}

TEST(Tiling, groups_without_tiles_are_refused) {
  GraphMaker maker(3);
  const std::string x = maker.input("image", {1, 2, 6, 6});
  const std::string a = maker.conv(x, 2, 4, 3);
  maker.add("Relu", {a}, {}, "aside");
  const std::string mean = maker.add("GlobalAveragePool", {a});
  maker.add("Mul", {a, mean}, {}, "end");
  const Graph graph = maker.finish();
  const Region region{{0, 2}, {0, 2}};
  EXPECT_FALSE(tile_group(graph, {0, 4}, region)) << "a mean needs the whole map";
  EXPECT_FALSE(tile_group(graph, {0, 2}, {{0, 7}, {0, 2}})) << "beyond the map";
  EXPECT_FALSE(tile_group(graph, {0, 0}, region));
  EXPECT_FALSE(tile_group(graph, {-1, 2}, region));
  EXPECT_FALSE(tile_group(graph, {3, 5}, region));
  const auto scaled = tile_group(graph, {3, 4}, region);
  ASSERT_TRUE(scaled);
  EXPECT_EQ(scaled->inputs.at(a), region);
  EXPECT_EQ(scaled->inputs.at(mean), (Region{{0, 1}, {0, 1}}));
  maker.add("Relu", {"end"}, {}, "further");
  const Graph longer = maker.finish();
  EXPECT_FALSE(tile_group(longer, {1, 5}, region)) << "'aside' leads to nothing";
}

}  // namespace
}  // namespace hyps::partition::testing
