// Plans with tiles: which layers get them, what they cost, and that nothing changes but memory.
#include "common/partition/tiles.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

constexpr std::int64_t kMega = std::int64_t{1} << 20;

Request bytes_request(std::int64_t bytes) {
  Request request;
  request.model_name = "m";
  request.threshold = {Threshold::Unit::bytes, bytes};
  return request;
}

Request tiles_request(const std::string& first, const std::string& last, int count) {
  Request request;
  request.model_name = "m";
  request.tiles = {{first, last, count}};
  return request;
}

// Two convolutions and a pool, a convolution that is worth slicing, and a fully connected layer.
cnn::Graph small_graph() {
  GraphMaker maker(3);
  std::string x = maker.input("image", {1, 3, 16, 12});
  x = maker.add("Relu", {maker.conv(x, 3, 8, 3, "a")});
  x = maker.pool(maker.add("Relu", {maker.conv(x, 8, 8, 3, "b")}), "pool");
  x = maker.conv(x, 8, 10, 3, "c");
  x = maker.add("Flatten", {x});
  maker.gemm(x, 10 * 8 * 6, 5, "fc");
  return maker.finish();
}

std::string error_of(const cnn::Graph& graph, const Request& request) {
  const auto plan = make_plan(graph, request);
  return plan.ok() ? "" : plan.error().message;
}

TEST(Tiles, maps_that_take_more_than_half_of_a_device_are_tiled_up_to_where_they_are_small) {
  const cnn::Graph graph = vgg16_of_zeros();
  const auto plan = make_plan(graph, bytes_request(36 * kMega));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto tiles = of_kind(*plan, Kind::tile);
  ASSERT_EQ(tiles.size(), 2U);
  EXPECT_EQ(tiles[0]->name.text, "t01.0");
  EXPECT_EQ(tiles[0]->layers.front(), "conv1_1");
  EXPECT_EQ(tiles[0]->layers.back(), "pool2");
  EXPECT_EQ(tiles[0]->outputs[0].shape, (cnn::Shape{1, 128, 28, 56}));
  for (const auto* tile : tiles) {
    EXPECT_TRUE(tile->safe_zone) << "it sees the image";
    EXPECT_LE(tile->activation_bytes, 18 * kMega);
  }
  for (const auto& part : plan->partitions) EXPECT_LE(part.memory_bytes(), 36 * kMega);
}

TEST(Tiles, a_device_with_room_or_a_threshold_in_parameters_gets_none) {
  const cnn::Graph graph = vgg16_of_zeros();
  for (const Threshold threshold : {Threshold{Threshold::Unit::bytes, 96 * kMega},
                                    Threshold{Threshold::Unit::parameters, 30'000'000}}) {
    Request request = bytes_request(0);
    request.threshold = threshold;
    const auto plan = make_plan(graph, request);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_TRUE(of_kind(*plan, Kind::tile).empty());
  }
}

// Nobody could join the tiles of the result: the layer stays whole, as it fits.
TEST(Tiles, a_result_that_could_not_be_joined_is_not_tiled) {
  GraphMaker maker(1);
  maker.conv(maker.input("image", {1, 3, 256, 256}), 3, 32, 3, "conv");
  const cnn::Graph graph = maker.finish();
  const auto plan = make_plan(graph, bytes_request(10 * kMega));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(of_kind(*plan, Kind::tile).empty());
  EXPECT_EQ(of_kind(*plan, Kind::vertical).size(), 1U);
}

// Slices of the second layer would take the first one's tiles and join them: twice the map, where
// it fits only once beside them.
TEST(Tiles, where_no_plan_comes_of_tiles_there_are_none) {
  GraphMaker maker(1);
  const std::string x = maker.conv(maker.input("image", {1, 3, 128, 128}), 3, 16, 3, "conv");
  maker.conv(x, 16, 128, 15, "wide", 16);
  const cnn::Graph graph = maker.finish();
  const auto plan = make_plan(graph, bytes_request(2 * kMega + 10'000));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(of_kind(*plan, Kind::tile).empty());
  EXPECT_FALSE(of_kind(*plan, Kind::horizontal).empty());
}

TEST(Tiles, only_layers_that_give_a_map_with_rows_are_looked_at) {
  const cnn::Graph graph = small_graph();
  const Flow flow(graph);
  const auto layers = layers_of(graph);
  std::size_t all = 0;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const auto groups =
        groups_around(graph, flow, layers, layer, 0, bytes_request(kMega).threshold);
    all += groups.size();
    for (const TileGroup& group : groups) {
      EXPECT_EQ(run_of(graph, layers, group).extent, group.last == 0 || group.last == 1 ? 16 : 8)
          << layers[group.last].name;
    }
  }
  EXPECT_GT(all, 0U);
}

TEST(Tiles, a_device_of_20_MB_holds_every_partition_of_vgg16) {
  const auto plan = make_plan(vgg16_of_zeros(), bytes_request(20 * kMega));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  for (const auto& part : plan->partitions) EXPECT_LE(part.memory_bytes(), 20 * kMega);
}

TEST(Tiles, groups_that_are_asked_for_are_joined_by_what_follows) {
  const cnn::Graph graph = small_graph();
  Request request = tiles_request("a", "pool", 3);
  request.slices = {{"c", 2}};
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto tiles = of_kind(*plan, Kind::tile);
  ASSERT_EQ(tiles.size(), 3U);
  EXPECT_EQ(tiles[0]->slice, (cnn::Range{0, 3}));  // 8 = 3 + 3 + 2
  EXPECT_EQ(tiles[2]->slice, (cnn::Range{6, 8}));
  const auto slices = of_kind(*plan, Kind::horizontal);
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0]->inputs.size(), 3U) << "they take the tiles and join them";
  EXPECT_TRUE(run_plan(graph, *plan, 1).bit_identical);
  EXPECT_EQ(run_plan(graph, *plan, 1).error, "");
}

TEST(Tiles, groups_follow_one_another) {
  const cnn::Graph graph = small_graph();
  Request request = tiles_request("a", "a", 4);
  request.tiles.push_back({"b", "pool", 2});
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto tiles = of_kind(*plan, Kind::tile);
  ASSERT_EQ(tiles.size(), 6U);
  EXPECT_EQ(tiles[4]->name.text, "t02.0");
  EXPECT_EQ(tiles[4]->inputs.size(), 4U);
  EXPECT_TRUE(run_plan(graph, *plan, 1).bit_identical);
}

TEST(Tiles, a_tile_crops_its_input_and_computes_a_border_that_its_neighbour_computes_too) {
  const cnn::Graph graph = small_graph();
  const auto plan = make_plan(graph, tiles_request("a", "pool", 2));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const Partition& upper = *plan->find(PartitionName("t01.0"));
  const auto part = extract(graph, *plan, upper);
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(part->nodes[0].op, "Slice");
  // Rows 0 to 3 of the pool are rows 0 to 7 of b, which needs one more of a, and that of the image.
  EXPECT_EQ(part->value(part->nodes[0].outputs[0]).shape, (cnn::Shape{1, 3, 10, 12}));
  EXPECT_EQ(part->outputs[0].shape, (cnn::Shape{1, 8, 4, 6}));
  std::int64_t flops = 0;
  for (const auto& other : plan->partitions) flops += other.cost.flops;
  EXPECT_GT(flops, cnn::cost_of(graph).flops);
}

TEST(Tiles, before_opset_10_a_crop_has_attributes) {
  cnn::Graph graph = small_graph();
  graph.opset = 9;
  ASSERT_TRUE(cnn::infer_shapes(graph).ok());
  const auto plan = make_plan(graph, tiles_request("a", "pool", 4));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(run_plan(graph, *plan, 1).bit_identical);
}

TEST(Tiles, what_cannot_be_is_refused_by_name) {
  const cnn::Graph graph = small_graph();
  const auto expect = [&](const Request& request, const std::string& words) {
    EXPECT_NE(error_of(graph, request).find(words), std::string::npos) << error_of(graph, request);
  };
  expect(tiles_request("a", "nowhere", 2), "tiles of 'nowhere': there is no such layer");
  expect(tiles_request("a", "poo", 2), "there is no such layer; there are 'pool'");
  expect(tiles_request("pool", "a", 2), "the second comes before the first");
  expect(tiles_request("a", "pool", 1), "1 is no number of tiles");
  expect(tiles_request("a", "pool", 2000), "2000 is no number of tiles");
  expect(tiles_request("a", "fc", 2), "layers 'a' to 'fc' cannot be tiled");
  expect(tiles_request("a", "pool", 9), "has 8 rows");
  Request both = tiles_request("a", "pool", 2);
  both.slices = {{"b", 2}};
  expect(both, "layer 'b' cannot be both sliced and tiled");
  Request twice = tiles_request("a", "pool", 2);
  twice.tiles.push_back({"pool", "pool", 2});
  expect(twice, "layer 'pool' is in two groups of tiles");
}

TEST(Tiles, a_plan_that_says_another_kind_of_slice_is_refused) {
  const cnn::Graph graph = small_graph();
  auto plan = make_plan(graph, tiles_request("a", "pool", 2));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  for (auto& part : plan->partitions) {
    if (part.kind == Kind::tile) part.slice_axis = 3;
  }
  EXPECT_FALSE(extract(graph, *plan, *plan->find(PartitionName("t01.0"))).ok());
  EXPECT_FALSE(check(*plan).ok()) << "its outputs are not slices of columns";
}

}  // namespace
}  // namespace hyps::partition::testing
