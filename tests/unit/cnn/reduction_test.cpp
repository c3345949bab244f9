// Reductions, and what is found by them, where ONNX's own cases say nothing.
#include <gmock/gmock.h>

#include <cmath>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Tensor x = Tensor::floats({2, 3}, {1, 5, 2, 4, 3, 6});

Tensor axes(Ints list) {
  const auto count = static_cast<std::int64_t>(list.size());
  return Tensor::integers({count}, std::move(list));
}

TEST(Reduce, AxesAreAnAttributeFirstAndAnInputLater) {
  Case test{"ReduceMax", {{"axes", Ints{1}}}, {x}, 17};
  EXPECT_THAT(values_of(run(test)), ElementsAre(5, 6));
  test = {"ReduceMax", {{"keepdims", std::int64_t{0}}}, {x, axes({0})}, 18};
  EXPECT_THAT(values_of(run(test)), ElementsAre(4, 5, 6));
  test.variable = {0, 1};
  EXPECT_THAT(error_of(test), HasSubstr("axes ('x1') must be a constant"));
  test = {"ReduceSum", {{"axes", Ints{1}}}, {x}, 13};
  EXPECT_THAT(error_of(test), HasSubstr("attribute 'axes' is not supported"));
}

TEST(Reduce, EmptyAxesMeanAllOrNone) {
  Case test{"ReduceSum", {}, {x, axes({})}, 13};
  EXPECT_THAT(values_of(run(test)), ElementsAre(21));
  test.attributes["noop_with_empty_axes"] = std::int64_t{1};
  EXPECT_EQ(run(test).shape, x.shape);
}

TEST(Reduce, RefusesAnAxisOutsideTheMap) {
  EXPECT_THAT(error_of({"ReduceMean", {{"axes", Ints{2}}}, {x}}),
              HasSubstr("axis 2 is outside a tensor of rank 2"));
}

TEST(Reduce, LogSumExpDoesNotOverflow) {
  const Tensor large = Tensor::floats({2}, {1000, 1000});
  EXPECT_NEAR(run({"ReduceLogSumExp", {}, {large}}).f32()[0], 1000 + std::log(2.0F), 1e-3);
}

TEST(Reduce, MeanOverAllPixelsIsAPooling) {
  Graph graph = graph_of({"ReduceMean", {{"axes", Ints{-1, 2}}}, {iota({1, 2, 3, 4})}});
  ASSERT_TRUE(infer_shapes(graph).ok());
  const auto kernel = find_operator("ReduceMean")->kernel(context_of(graph, graph.nodes[0]));
  EXPECT_EQ(std::get<PoolKernel>(kernel).window.kernel, (Ints{3, 4}));
}

TEST(ArgMax, TakesTheFirstOrTheLastOfEquals) {
  const Tensor equals = Tensor::floats({3}, {7, 1, 7});
  Case test{"ArgMax", {}, {equals}};
  EXPECT_EQ(run(test).i64()[0], 0);
  test.attributes["select_last_index"] = std::int64_t{1};
  EXPECT_EQ(run(test).i64()[0], 2);
}

TEST(LpPool, IsTheNormOfEachWindow) {
  const Tensor row = Tensor::floats({1, 1, 4}, {3, -4, 0, 12});
  Case test{"LpPool", {{"kernel_shape", Ints{2}}, {"strides", Ints{2}}}, {row}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(5, 12));
  test.attributes["p"] = std::int64_t{1};
  EXPECT_THAT(values_of(run(test)), ElementsAre(7, 12));
  test.attributes["p"] = std::int64_t{0};
  EXPECT_THAT(error_of(test), HasSubstr("p is 0"));
}

}  // namespace
}  // namespace hyps::cnn::testing
