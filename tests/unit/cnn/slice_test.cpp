// Horizontal partitioning: what a node computes from slices of its inputs is, bit for bit, the
// slice of what it computes from the whole.
#include <gmock/gmock.h>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

std::optional<NodeSlice> slice_of(const Case& test, int axis, Range range) {
  Graph graph = graph_of(test);
  const Status status = infer_shapes(graph);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return find_operator(test.op)->slice(context_of(graph, graph.nodes[0]), axis, range);
}

Case sliced_case(const Case& test, const NodeSlice& slice) {
  Case part = test;
  part.attributes = slice.node.attributes;
  for (std::size_t i = 0; i < part.inputs.size(); ++i) {
    const NodeSlice::Part& input = slice.inputs.at(i);
    if (input.axis >= 0) part.inputs[i] = part_of(*part.inputs[i], input.axis, input.range);
  }
  return part;
}

// Every random range of the axis; `splittable` says whether the operator must allow it.
void check_axis(const Case& test, int axis, bool splittable, Random& random) {
  SCOPED_TRACE(test.op + " along axis " + std::to_string(axis));
  const Tensor whole = run(test);
  const std::int64_t extent = whole.shape.at(static_cast<std::size_t>(axis));
  for (int i = 0; i < 4; ++i) {
    const std::int64_t begin = random.between(0, extent - 1);
    const Range range{begin, random.between(begin + 1, extent)};
    const auto slice = slice_of(test, axis, range);
    ASSERT_EQ(slice.has_value(), splittable);
    if (!slice) continue;
    const Tensor part = run(sliced_case(test, *slice));
    const Tensor expected = part_of(whole, axis, range);
    EXPECT_EQ(part.shape, expected.shape);
    EXPECT_EQ(part.data, expected.data);
  }
  EXPECT_FALSE(slice_of(test, axis, {0, extent + 1}));
  EXPECT_FALSE(slice_of(test, axis, {0, 0}));
  EXPECT_FALSE(slice_of(test, axis, {-1, 1}));
  EXPECT_FALSE(slice_of(test, static_cast<int>(whole.shape.size()), {0, 1}));
  EXPECT_FALSE(slice_of(test, -1, {0, 1}));
}

int slice_axis_of(const Case& test) {
  Graph graph = graph_of(test);
  EXPECT_TRUE(infer_shapes(graph).ok());
  return find_operator(test.op)->slice_axis(context_of(graph, graph.nodes[0]));
}

class Slices : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Random random_{GetParam()};
  const Shape shape_{random_.between(1, 2), random_.between(2, 5), random_.between(3, 5),
                     random_.between(3, 5)};
  const Tensor x_ = random_tensor(random_, shape_);
};

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
