// Operators on shapes and their folding, and movements where ONNX's own cases say nothing.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor ints(Ints values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return Tensor::integers({count}, std::move(values));
}

Graph graph_with(std::vector<Node> nodes) {
  Graph graph;
  graph.inputs = {{"x", DType::f32, {1, 2, 4, 4}}};
  graph.outputs = {{"y", DType::f32, {}}};
  graph.nodes = std::move(nodes);
  return graph;
}

// What exporters write for x.view(x.size(0), -1).
TEST(FoldConstants, ComputesReshapeTargetsFromShapes) {
  Graph graph =
      graph_with({{"Relu", "r", {"x"}, {"a"}, {}},
                  {"Shape", "s", {"a"}, {"extents"}, {}},
                  {"Gather", "g", {"extents", "zero"}, {"batch"}, {}},
                  {"Unsqueeze", "u", {"batch", "axes"}, {"list"}, {}},
                  {"Concat", "c", {"list", "rest"}, {"target"}, {{"axis", std::int64_t{0}}}},
                  {"Reshape", "v", {"a", "target"}, {"y"}, {}}});
  graph.weights["zero"] = Tensor::integers({}, {0});
  graph.weights["axes"] = ints({0});
  graph.weights["rest"] = ints({-1});
  ASSERT_TRUE(fold_constants(graph).ok());
  ASSERT_EQ(graph.nodes.size(), 2U);
  ASSERT_TRUE(infer_shapes(graph).ok());
  EXPECT_EQ(graph.outputs[0].shape, (Shape{1, 32}));
}

// Shapes behind a node that does not fit are unknown; infer_shapes says why.
TEST(FoldConstants, LeavesShapesBehindWhatDoesNotFit) {
  Graph graph = graph_with({{"Concat", "c", {"x"}, {"a"}, {}},
                            {"Shape", "s", {"a"}, {"extents"}, {}},
                            {"Reshape", "v", {"x", "extents"}, {"y"}, {}}});
  ASSERT_TRUE(fold_constants(graph).ok());
  EXPECT_EQ(graph.nodes.size(), 3U);
  EXPECT_THAT(infer_shapes(graph).error().message, HasSubstr("attribute 'axis' is missing"));
}

TEST(Shape, IsOfAnyPartOfTheExtents) {
  Case test{"Shape", {{"start", std::int64_t{-3}}, {"end", std::int64_t{9}}}, {iota({2, 3, 4, 5})}};
  EXPECT_EQ(run(test).i64()[0], 3);
  EXPECT_EQ(run(test).shape, (Shape{3}));
  test.attributes["end"] = std::int64_t{0};
  EXPECT_EQ(run(test).shape, (Shape{0}));
}

TEST(Slice, TakesItsRangesAsAttributesBeforeOpset10) {
  const Case test{
      "Slice", {{"starts", Ints{1}}, {"ends", Ints{-1}}, {"axes", Ints{1}}}, {iota({2, 4})}, 9};
  EXPECT_THAT(values_of(run(test)), ElementsAre(1, 2, 5, 6));
}

TEST(Slice, GoesBackwardsFromBothEnds) {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const Tensor x = iota({5});
  Case test{"Slice", {}, {x, ints({-1}), ints({least}), ints({0}), ints({-2})}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(4, 2, 0));
  test.inputs[4] = ints({least});
  EXPECT_THAT(values_of(run(test)), ElementsAre(4));
  test.inputs[4] = ints({0});
  EXPECT_THAT(error_of(test), HasSubstr("a step is 0"));
  test.inputs[1] = ints({0, 1});
  EXPECT_THAT(error_of(test), HasSubstr("differ in length"));
}

TEST(Split, GivesEqualPartsOrThoseAskedFor) {
  Case test{"Split", {}, {iota({4})}, 13, {0}, 2};
  EXPECT_THAT(values_of(run_all(test)->at(1)), ElementsAre(2, 3));
  test.attributes = {{"split", Ints{1, 3}}};
  test.opset = 11;
  EXPECT_THAT(values_of(run_all(test)->at(1)), ElementsAre(1, 2, 3));
  test.attributes = {{"split", Ints{1, 2}}};
  EXPECT_THAT(error_of(test), HasSubstr("parts 1x2 do not divide an extent of 4"));
  test = {"Split", {}, {iota({4})}, 13, {0}, 3};
  EXPECT_THAT(error_of(test), HasSubstr("has no 3 equal parts"));
  test.opset = 18;
  test.attributes = {{"num_outputs", std::int64_t{3}}};
  EXPECT_EQ(run_all(test)->at(2).shape, (Shape{0}));
}

TEST(FoldConstants, KeepsEveryOutputOfASplit) {
  Graph graph = graph_with({{"Split", "s", {"x"}, {"y", "unused"}, {{"axis", std::int64_t{1}}}}});
  ASSERT_TRUE(fold_constants(graph).ok());
  EXPECT_EQ(graph.nodes[0].outputs.size(), 2U);
}

TEST(Gather, RefusesAnIndexOutsideTheAxis) {
  Case test{"Gather", {}, {iota({3}), ints({-3, 2})}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 2));
  test.inputs[1] = ints({3});
  EXPECT_THAT(error_of(test), HasSubstr("index 3 is outside an extent of 3"));
}

TEST(Cast, StopsAtTheEndsOfTheType) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::floats({4}, {-1.9F, 1e20F, nan, 300});
  const Tensor wide = run({"Cast", {{"to", std::int64_t{7}}}, {x}});
  EXPECT_EQ(wide.i64()[0], -1);
  EXPECT_EQ(wide.i64()[1], std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(wide.i64()[2], 0);
  const Tensor narrow = run({"Cast", {{"to", std::int64_t{2}}}, {x}});
  EXPECT_THAT(narrow.values<std::uint8_t>(), ElementsAre(0, 255, 0, 255));
  const Tensor truth = run({"Cast", {{"to", std::int64_t{9}}}, {x}});
  EXPECT_THAT(truth.values<std::uint8_t>(), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(error_of({"Cast", {{"to", std::int64_t{8}}}, {x}}),
              HasSubstr("element type 8 is not supported"));
}

TEST(Cast, ToAHalfKeepsWhatItWasWidenedTo) {
  const Tensor x = Tensor::floats({2}, {0.1F, 1e20F});
  for (const std::int64_t half : {10, 16}) {
    EXPECT_EQ(values_of(run({"Cast", {{"to", half}}, {x}})), values_of(x));
  }
}

TEST(Range, CountsAcrossTheWholeOfInt64) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const auto one = [](std::int64_t value) { return Tensor::integers({}, {value}); };
  Case test{"Range", {}, {one(-most), one(most), one(most)}, 13, {}};
  EXPECT_THAT(run(test).i64(), ElementsAre(-most, 0));
  test.inputs[2] = one(1);
  EXPECT_THAT(error_of(test), HasSubstr("too large"));
  test.inputs[2] = one(0);
  EXPECT_THAT(error_of(test), HasSubstr("delta is 0"));
}

TEST(Tile, RefusesMoreThanATensorMayHave) {
  EXPECT_THAT(error_of({"Tile", {}, {iota({4}), ints({std::int64_t{1} << 40U})}}),
              HasSubstr("its output"));
}

TEST(ConvTranspose, SharesPadsAsAsked) {
  const Tensor x = iota({1, 1, 3});
  const Tensor w = Tensor::floats({1, 1, 3}, {1, 10, 100});
  // Without pads: 0 1 12 120+2... at stride 1: [0, 1, 12, 120, 200].
  Case test{"ConvTranspose", {{"auto_pad", std::string("SAME_UPPER")}}, {x, w}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(1, 12, 120));
  test.attributes = {{"output_shape", Ints{4}}};  // the odd pad goes to the beginning
  EXPECT_THAT(values_of(run(test)), ElementsAre(1, 12, 120, 200));
  test.attributes = {{"output_shape", Ints{4}}, {"auto_pad", std::string("SAME_UPPER")}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 1, 12, 120));
  test.attributes = {{"output_padding", Ints{1}}, {"strides", Ints{2}}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 0, 1, 10, 102, 20, 200, 0));
  test.attributes = {{"pads", Ints{3, 2}}};
  EXPECT_THAT(error_of(test), HasSubstr("its pads leave nothing of an output of 5"));
}

TEST(Resize, Opset10AndUpsampleRepeatFromTheCorner) {
  const Tensor scales = Tensor::floats({1}, {2});
  const std::map<std::string, Attribute> linear{{"mode", std::string("linear")}};
  EXPECT_THAT(values_of(run({"Resize", {}, {iota({2}), scales}, 10})), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(values_of(run({"Resize", linear, {iota({2}), scales}, 10})),
              ElementsAre(0, 0.5, 1, 1));
  EXPECT_THAT(values_of(run({"Upsample", linear, {iota({2}), scales}, 9})),
              ElementsAre(0, 0.5, 1, 1));
  EXPECT_THAT(values_of(run({"Upsample", {{"scales", std::vector<float>{1.5F}}}, {iota({2})}, 7})),
              ElementsAre(0, 0, 1));
}

TEST(Resize, SymmetricHalfPixelsKeepTheCentre) {
  const Case test{"Resize",
                  {{"mode", std::string("linear")},
                   {"coordinate_transformation_mode", std::string("half_pixel_symmetric")}},
                  {iota({4}), std::nullopt, Tensor::floats({1}, {0.6F})},
                  19};
  const auto y = values_of(run(test));
  ASSERT_EQ(y.size(), 2U);
  EXPECT_NEAR(y[0] + y[1], 3, 1e-5);  // mirrored about 1.5
}

TEST(Resize, SaysWhatItDoesNotTake) {
  const Tensor scales = Tensor::floats({1}, {2});
  Case test{"Resize", {{"mode", std::string("area")}}, {iota({2}), std::nullopt, scales}};
  EXPECT_THAT(error_of(test), HasSubstr("mode 'area' is not one of nearest, linear, cubic"));
  test.attributes = {};
  test.variable = {0, 2};
  EXPECT_THAT(error_of(test), HasSubstr("scales ('x2') must be a constant"));
  test.variable = {0};
  test.inputs[2] = Tensor::floats({1}, {0});
  EXPECT_THAT(error_of(test), HasSubstr("does not fit an extent of 2"));
}

}  // namespace
}  // namespace hyps::cnn::testing
