// Which operators give tiles, and that the tiles of every operator are the whole's.
#include <gmock/gmock.h>

#include "fitting.hpp"
#include "tiles.hpp"

namespace hyps::cnn::testing {
namespace {

class Tiles : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Random random_{GetParam()};
  const Shape shape_{random_.between(1, 2), random_.between(2, 4), random_.between(1, 9),
                     random_.between(1, 9)};
  const Tensor x_ = random_tensor(random_, shape_);
};

Tensor ints(Ints values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return Tensor::integers({count}, std::move(values));
}

TEST_P(Tiles, ElementWiseOperatorsPassTheRegionOn) {
  const Tensor low = Tensor::floats({}, {-1});
  const std::vector<Case> tests{
      {"Relu", {}, {x_}},
      {"Clip", {}, {x_, low}},
      {"Cast", {{"to", std::int64_t{7}}}, {x_}},
      {"LRN", {{"size", std::int64_t{3}}}, {x_}},
      {"Add", {}, {x_, random_tensor(random_, shape_)}},
      {"Add", {}, {random_tensor(random_, {shape_[1], 1, 1}), x_}},
      {"Mul", {}, {x_, random_tensor(random_, {1, 1, shape_[2], 1})}},
      {"Mul", {}, {x_, Tensor::floats({}, {3})}},
      {"Sum", {}, {x_, random_tensor(random_, {shape_[3]}), random_tensor(random_, shape_)}},
      {"Mean", {}, {random_tensor(random_, {shape_[2], shape_[3]}), x_}},
      {"Less", {}, {x_, random_tensor(random_, {shape_[3]})}},
      {"PRelu", {}, {x_, random_tensor(random_, {shape_[1], 1, 1})}},
      {"PRelu", {}, {x_, random_tensor(random_, {shape_[1], shape_[2], shape_[3]})}},
      {"Softmax", {{"axis", std::int64_t{1}}}, {x_}},
      {"Concat", {{"axis", std::int64_t{1}}}, {x_, random_tensor(random_, shape_)}},
      {"Split", {{"axis", std::int64_t{1}}}, {x_, ints({1, shape_[1] - 1})}, 13, {0}, 2},
      {"Transpose", {{"perm", Ints{1, 0, 3, 2}}}, {x_}},
      {"Unsqueeze", {}, {x_, ints({2})}},
      {"Squeeze", {}, {random_tensor(random_, {1, 1, 3, shape_[3], 1, 4}), ints({1, 4})}},
      {"Reshape", {}, {x_, ints({1, -1, shape_[2], shape_[3]})}},
      {"Expand", {}, {random_tensor(random_, {1, shape_[2], 1}), ints(shape_)}},
      {"Tile", {}, {x_, ints({2, 3, 1, 1})}},
      {"Gather", {{"axis", std::int64_t{1}}}, {x_, ints({1, 0, -1})}},
      {"ReduceMean", {{"axes", Ints{1}}}, {x_}},
      {"ReduceMax", {{"axes", Ints{0}}, {"keepdims", std::int64_t{0}}}, {x_}},
      {"ArgMax", {{"axis", std::int64_t{1}}}, {x_}},
  };
  for (const Case& test : tests) expect_tiles(test, random_);
}

TEST_P(Tiles, WhatMixesPixelsFromAfarHasNone) {
  const std::vector<Case> tests{
      {"GlobalAveragePool", {}, {x_}},
      {"InstanceNormalization",
       {},
       {x_, random_tensor(random_, {shape_[1]}), random_tensor(random_, {shape_[1]})}},
      {"Softmax", {{"axis", std::int64_t{2}}}, {x_}},
      {"Softmax", {{"axis", std::int64_t{1}}}, {x_}, 12},
      {"Concat", {{"axis", std::int64_t{2}}}, {x_, x_}},
      {"Split", {{"axis", std::int64_t{3}}}, {x_}},
      {"Flatten", {}, {x_}},
      {"MatMul", {}, {x_, random_tensor(random_, {shape_[3], 4})}},
      {"ReduceSum", {}, {x_, ints({2})}},
      {"ArgMin", {{"axis", std::int64_t{-1}}}, {x_}},
      {"Tile", {}, {x_, ints({1, 1, 2, 1})}},
      {"Gather", {{"axis", std::int64_t{2}}}, {x_, ints({0})}},
      {"Squeeze", {}, {random_tensor(random_, {1, 2, 3, 4})}},
  };
  for (const Case& test : tests) expect_no_tiles(test, random_);
}

TEST_P(Tiles, SlicesMayStepBothWays) {
  const Tensor x = random_tensor(random_, {2, 3, 9, 8});
  const Case test{"Slice", {}, {x, ints({-1, 1}), ints({-100, 8}), ints({2, 3}), ints({-2, 3})}};
  expect_tiles(test, random_);
  const Case old{
      "Slice", {{"starts", Ints{1, 2}}, {"ends", Ints{7, 6}}, {"axes", Ints{3, 2}}}, {x}, 9};
  expect_tiles(old, random_);
}

TEST_P(Tiles, PadsOfEveryMode) {
  const Tensor x = random_tensor(random_, {1, 2, 5, 6});
  const Tensor value = Tensor::floats({}, {7});
  const Ints amounts{0, 1, 3, -1, 0, 0, 4, 2};
  const Case constant{"Pad", {}, {x, ints(amounts), value}};
  expect_tiles(constant, random_);
  const Case edge{"Pad", {{"mode", std::string("edge")}}, {x, ints(amounts)}};
  expect_tiles(edge, random_);
  const Case axes{"Pad", {}, {x, ints({2, 3, 1, -2}), value, ints({3, -2})}, 18};
  expect_tiles(axes, random_);
  const Case old{"Pad", {{"pads", amounts}, {"value", 2.5F}}, {x}, 7};
  expect_tiles(old, random_);
  Case reflect{"Pad", {{"mode", std::string("reflect")}}, {x, ints(amounts)}};
  EXPECT_TRUE(check_tile(reflect, {{0, 12}, {0, 7}}));
  EXPECT_TRUE(check_tile(reflect, {{0, 5}, {2, 3}}));
  EXPECT_TRUE(check_tile(reflect, {{7, 12}, {4, 7}}));
  EXPECT_FALSE(check_tile(reflect, {{0, 2}, {0, 7}})) << "a reflection without its edge";
  EXPECT_GT(count_tiles(reflect, random_, 20), 0);
}

TEST_P(Tiles, BlocksOfPixelsAreGivenWhole) {
  const Tensor x = random_tensor(random_, {2, 8, 4, 6});
  for (const char* mode : {"DCR", "CRD"}) {
    const Case test{
        "DepthToSpace", {{"blocksize", std::int64_t{2}}, {"mode", std::string(mode)}}, {x}};
    expect_tiles(test, random_);
    const auto tile = tile_of(test, {{1, 2}, {3, 7}});
    ASSERT_TRUE(tile);
    EXPECT_EQ(tile->output, (Region{{0, 2}, {2, 8}}));
    EXPECT_EQ(tile->inputs[0], (Region{{0, 1}, {1, 4}}));
  }
  expect_tiles({"SpaceToDepth", {{"blocksize", std::int64_t{2}}}, {x}}, random_);
}

TEST_P(Tiles, NothingThatIsNoRegionOfTheOutputHasOne) {
  const Case test{"Relu", {}, {random_tensor(random_, {1, 2, 4, 5})}};
  for (const Region& region : std::vector<Region>{{},
                                                  {{0, 4}},
                                                  {{0, 4}, {0, 5}, {0, 1}},
                                                  {{0, 0}, {0, 5}},
                                                  {{-1, 2}, {0, 5}},
                                                  {{0, 4}, {3, 6}},
                                                  {{2, 1}, {0, 5}}}) {
    EXPECT_FALSE(tile_of(test, region));
  }
  EXPECT_FALSE(tile_of({"Relu", {}, {random_tensor(random_, {2, 3})}}, {}));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Tiles, ::testing::Range<std::uint64_t>(0, 12));

// Attributes and settings at random, for every operator there is.
class TilesOf : public ::testing::TestWithParam<const Operator*> {};

TEST_P(TilesOf, RandomSettingsAreTheWholes) {
  const Operator& op = *GetParam();
  const std::int64_t small = 1 << 16;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Case test{std::string(op.type), {}, {Tensor{}}};
    test.opset = static_cast<int>(random.between(op.opset_min, op.opset_max));
    make_inputs_fit(random, test);
    Graph graph = graph_of(test);
    if (!infer_shapes(graph).ok()) continue;
    const NodeContext context = context_of(graph, graph.nodes[0]);
    if (context.outputs[0].bytes() > small || op.flops(context) > small) continue;
    count_tiles(test, random, 4);
    if (::testing::Test::HasFailure()) return;
  }
}

std::vector<const Operator*> every_operator() {
  std::vector<const Operator*> operators;
  for (const Operator& op : all_operators()) operators.push_back(&op);
  return operators;
}

INSTANTIATE_TEST_SUITE_P(Operators, TilesOf, ::testing::ValuesIn(every_operator()),
                         [](const auto& op) { return std::string(op.param->type); });

TEST(Regions, HullsAndCropsGoByTheLastAxes) {
  const Region rows{{1, 3}, {2, 5}};
  EXPECT_EQ(hull(rows, {{0, 2}, {4, 6}}), (Region{{0, 3}, {2, 6}}));
  EXPECT_EQ(hull({}, {}), Region{});
  EXPECT_EQ(whole_region({2, 3, 4, 5}), (Region{{0, 4}, {0, 5}}));
  EXPECT_EQ(whole_region({2, 3}), Region{});
  EXPECT_EQ(relative_to({{1, 9}, {2, 9}}, rows), (Region{{0, 2}, {0, 3}}));
  EXPECT_EQ(relative_to({{2, 9}}, rows), (Region{{1, 3}, {0, 3}}));
  EXPECT_EQ(relative_to({}, rows), rows);
  const Tensor x = iota({2, 3, 4});
  EXPECT_EQ(values_of(crop(x, {{1, 3}})).size(), 12U);
  EXPECT_THAT(values_of(crop(x, {{1, 2}, {1, 3}})), ::testing::ElementsAre(5, 6, 17, 18));
  EXPECT_EQ(crop(x, {}).data, x.data);
}

}  // namespace
}  // namespace hyps::cnn::testing
