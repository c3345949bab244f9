// Horizontal partitioning of layers and element-wise operators.
#include "slices.hpp"

namespace hyps::cnn::testing {
namespace {

TEST_P(Slices, ConvAlongOutputChannels) {
  const std::int64_t channels = random_.between(2, 6);
  Case test{"Conv",
            {{"pads", Ints{1, 0, 1, 2}}, {"strides", Ints{1, 2}}},
            {x_, random_tensor(random_, {channels, shape_[1], 3, 2})}};
  EXPECT_EQ(slice_axis_of(test), 1);
  check_axis(test, 1, true, random_);
  test.inputs.emplace_back(random_tensor(random_, {channels}));
  check_axis(test, 1, true, random_);
  check_axis(test, 0, false, random_);
  check_axis(test, 2, false, random_);
}

TEST_P(Slices, GroupedConvIsNotSplit) {
  const Case test{
      "Conv", {{"group", shape_[1]}}, {x_, random_tensor(random_, {2 * shape_[1], 1, 2, 2})}};
  EXPECT_EQ(slice_axis_of(test), -1);
  check_axis(test, 1, false, random_);
}

TEST_P(Slices, GemmAlongColumns) {
  const std::int64_t rows = random_.between(1, 3);
  const std::int64_t depth = random_.between(1, 5);
  const std::int64_t columns = random_.between(2, 7);
  for (const bool transposed : {false, true}) {
    for (const Shape& c : std::vector<Shape>{{}, {1}, {columns}, {rows, 1}, {rows, columns}}) {
      const Tensor b =
          random_tensor(random_, transposed ? Shape{columns, depth} : Shape{depth, columns});
      const Case test{"Gemm",
                      {{"transB", std::int64_t{transposed}}},
                      {random_tensor(random_, {rows, depth}), b, random_tensor(random_, c)}};
      EXPECT_EQ(slice_axis_of(test), 1);
      check_axis(test, 1, true, random_);
      check_axis(test, 0, false, random_);
    }
  }
}

TEST_P(Slices, MatMulAlongColumnsOfConstantWeights) {
  Case test{"MatMul", {}, {x_, random_tensor(random_, {shape_[3], 4})}};
  EXPECT_EQ(slice_axis_of(test), 3);
  check_axis(test, 3, true, random_);
  check_axis(test, 1, false, random_);
  test.variable.insert(1);
  EXPECT_EQ(slice_axis_of(test), -1);
  EXPECT_EQ(slice_axis_of({"MatMul", {}, {x_, random_tensor(random_, {shape_[3]})}}), -1);
}

TEST_P(Slices, ElementWiseOperatorsPassTheRangeOn) {
  const Tensor low = Tensor::floats({}, {-1});
  const std::vector<Case> tests{
      {"Relu", {}, {x_}},
      {"LeakyRelu", {}, {x_}},
      {"Clip", {}, {x_, low}},
      {"Dropout", {}, {x_}},
      {"Identity", {}, {x_}},
      {"Add", {}, {x_, random_tensor(random_, shape_)}},
      {"Add", {}, {random_tensor(random_, {shape_[1], 1, 1}), x_}},
      {"Mul", {}, {x_, random_tensor(random_, {1, 1, shape_[2], 1})}},
      {"Mul", {}, {x_, Tensor::floats({}, {3})}},
      {"Sum", {}, {x_, random_tensor(random_, {shape_[3]}), random_tensor(random_, shape_)}},
      {"Sub", {}, {random_tensor(random_, {shape_[1], 1, 1}), x_}},
      {"Max", {}, {x_, random_tensor(random_, shape_), random_tensor(random_, {1})}},
      {"Pow", {}, {x_, Tensor::floats({}, {2})}},
      {"Less", {}, {x_, random_tensor(random_, {shape_[3]})}},
      {"PRelu", {}, {x_, random_tensor(random_, {shape_[1], 1, 1})}},
      {"Sigmoid", {}, {x_}},
      {"Elu", {}, {x_}},
      {"HardSigmoid", {}, {x_}},
      {"Neg", {}, {x_}},
      {"Cast", {{"to", std::int64_t{7}}}, {x_}},
  };
  for (const Case& test : tests) {
    EXPECT_EQ(slice_axis_of(test), -1);
    for (int axis = 0; axis < 4; ++axis) check_axis(test, axis, true, random_);
  }
}

TEST_P(Slices, BatchNormalizationSlicesItsParameters) {
  std::vector<std::optional<Tensor>> inputs{x_};
  for (int i = 0; i < 3; ++i) inputs.emplace_back(random_tensor(random_, {shape_[1]}));
  inputs.emplace_back(
      Tensor::floats({shape_[1]}, std::vector<float>(static_cast<std::size_t>(shape_[1]), 0.7F)));
  const Case test{"BatchNormalization", {}, inputs};
  for (int axis = 0; axis < 4; ++axis) check_axis(test, axis, true, random_);
}

TEST_P(Slices, PoolingPassesChannelsOnButNotPixels) {
  const std::map<std::string, Attribute> attributes{{"kernel_shape", Ints{2, 3}},
                                                    {"pads", Ints{1, 1, 0, 2}}};
  const std::vector<Case> tests{{"MaxPool", attributes, {x_}},
                                {"AveragePool", attributes, {x_}},
                                {"GlobalAveragePool", {}, {x_}}};
  for (const Case& test : tests) {
    EXPECT_EQ(slice_axis_of(test), -1);
    check_axis(test, 0, true, random_);
    check_axis(test, 1, true, random_);
    check_axis(test, 2, false, random_);
  }
}

TEST_P(Slices, SoftmaxIsNotSplitAlongWhatItNormalises) {
  Case test{"Softmax", {{"axis", std::int64_t{2}}}, {x_}, 13};
  check_axis(test, 1, true, random_);
  check_axis(test, 2, false, random_);
  check_axis(test, 3, true, random_);
  test.opset = 12;
  check_axis(test, 1, true, random_);
  check_axis(test, 2, false, random_);
  check_axis(test, 3, false, random_);
}

TEST_P(Slices, LrnAndReshapingAreNotSplit) {
  check_axis({"LRN", {{"size", std::int64_t{3}}}, {x_}}, 1, false, random_);
  check_axis({"Flatten", {}, {x_}}, 1, false, random_);
  check_axis({"Transpose", {}, {x_}}, 1, false, random_);
}

TEST_P(Slices, ConcatIsSplitAcrossItsAxisOnly) {
  const Case test{"Concat", {{"axis", std::int64_t{1}}}, {x_, random_tensor(random_, shape_)}};
  check_axis(test, 1, false, random_);
  check_axis(test, 2, true, random_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Slices, ::testing::Range<std::uint64_t>(0, 12));

}  // namespace
}  // namespace hyps::cnn::testing
