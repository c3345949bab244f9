// Horizontal partitioning of operators that change shapes.
#include "slices.hpp"

namespace hyps::cnn::testing {
namespace {

Tensor ints(Ints values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return Tensor::integers({count}, std::move(values));
}

TEST_P(Slices, ConvTransposeAlongOutputChannels) {
  const std::int64_t channels = random_.between(2, 6);
  Case test{"ConvTranspose",
            {{"pads", Ints{1, 0, 1, 2}}, {"strides", Ints{1, 2}}},
            {x_, random_tensor(random_, {shape_[1], channels, 3, 2})}};
  EXPECT_EQ(slice_axis_of(test), 1);
  check_axis(test, 1, true, random_);
  test.inputs.emplace_back(random_tensor(random_, {channels}));
  check_axis(test, 1, true, random_);
  check_axis(test, 0, false, random_);
  check_axis(test, 2, false, random_);
  const Case grouped{
      "ConvTranspose", {{"group", shape_[1]}}, {x_, random_tensor(random_, {shape_[1], 2, 2, 2})}};
  EXPECT_EQ(slice_axis_of(grouped), -1);
  check_axis(grouped, 1, false, random_);
}

TEST_P(Slices, ReductionsAreSplitAcrossTheirAxes) {
  for (const char* op : {"ReduceMean", "ReduceMax", "ReduceLogSumExp"}) {
    Case test{op, {{"axes", Ints{2, 3}}}, {x_}};
    check_axis(test, 0, true, random_);
    check_axis(test, 1, true, random_);
    check_axis(test, 2, false, random_);
    test.attributes = {{"axes", Ints{0, 2}}, {"keepdims", std::int64_t{0}}};
    check_axis(test, 0, true, random_);  // the channels
    check_axis(test, 1, true, random_);  // the columns
  }
  const Case largest{"ArgMax", {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}}, {x_}};
  check_axis(largest, 0, true, random_);
  check_axis(largest, 1, true, random_);  // the rows
}

TEST_P(Slices, InstanceNormalizationSlicesItsParameters) {
  const Case test{"InstanceNormalization",
                  {},
                  {x_, random_tensor(random_, {shape_[1]}), random_tensor(random_, {shape_[1]})}};
  check_axis(test, 0, true, random_);
  check_axis(test, 1, true, random_);
  check_axis(test, 2, false, random_);
}

TEST_P(Slices, MorePoolingPassesChannelsOnButNotPixels) {
  const std::vector<Case> tests{{"LpPool", {{"kernel_shape", Ints{2, 3}}}, {x_}},
                                {"GlobalMaxPool", {}, {x_}}};
  for (const Case& test : tests) {
    check_axis(test, 0, true, random_);
    check_axis(test, 1, true, random_);
    check_axis(test, 2, false, random_);
  }
}

TEST_P(Slices, MovementsAreSplitAlongAxesTheyLeaveAlone) {
  const Tensor scales = Tensor::floats({4}, {1, 1, 2, 1.5F});
  const Case resize{"Resize", {{"mode", std::string("linear")}}, {x_, std::nullopt, scales}};
  check_axis(resize, 1, true, random_);
  check_axis(resize, 2, false, random_);
  const Case by_size{
      "Resize", {}, {x_, std::nullopt, std::nullopt, ints({shape_[0], shape_[1], 7, 7})}};
  check_axis(by_size, 1, true, random_);
  check_axis(by_size, 2, false, random_);
  const Case named{"Resize",
                   {{"axes", Ints{-1, 1}}},
                   {x_, std::nullopt, std::nullopt, ints({7, shape_[1]})},
                   18};
  check_axis(named, 1, true, random_);
  const Case slice{"Slice", {}, {x_, ints({1}), ints({3}), ints({2})}};
  check_axis(slice, 1, true, random_);
  check_axis(slice, 2, false, random_);
  const Case split{"Split", {{"axis", std::int64_t{2}}}, {x_, ints({1, shape_[2] - 1})}, 13, {0},
                   2};
  check_axis(split, 1, true, random_);
  check_axis(split, 2, false, random_);
  const Case tile{"Tile", {}, {x_, ints({1, 1, 2, 1})}};
  check_axis(tile, 1, true, random_);
  check_axis(tile, 2, false, random_);
  const Case gather{"Gather", {{"axis", std::int64_t{1}}}, {x_, Tensor::integers({}, {1})}};
  check_axis(gather, 0, true, random_);
  check_axis(gather, 1, true, random_);  // the rows
}

TEST_P(Slices, WhatMixesChannelsAndPixelsIsNotSplitByChannel) {
  const Tensor x = random_tensor(random_, {2, 8, 4, 4});
  for (const char* op : {"DepthToSpace", "SpaceToDepth"}) {
    const Case test{op, {{"blocksize", std::int64_t{2}}}, {x}};
    check_axis(test, 0, true, random_);
    check_axis(test, 1, false, random_);
  }
  check_axis({"Expand", {}, {x_, ints({2, 1, 1, 1, 1})}}, 2, false, random_);
  check_axis({"Unsqueeze", {}, {x_, ints({0})}}, 2, false, random_);
}

}  // namespace
}  // namespace hyps::cnn::testing
