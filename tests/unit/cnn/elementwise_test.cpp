// Element-wise operators, normalisations and Softmax, against values computed by hand or by a
// direct definition.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Tensor row(std::vector<float> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return Tensor::floats({count}, std::move(values));
}

Kernel kernel_of(const Case& test) {
  Graph graph = graph_of(test);
  EXPECT_TRUE(infer_shapes(graph).ok());
  return find_operator(test.op)->kernel(context_of(graph, graph.nodes[0]));
}

TEST(Relu, CutsNegativesAndKeepsNan) {
  const auto y = values_of(run({"Relu", {}, {row({-1, 0, 2, kNan})}}));
  EXPECT_THAT(std::vector<float>(y.begin(), y.begin() + 3), ElementsAre(0, 0, 2));
  EXPECT_TRUE(std::isnan(y[3]));
}

TEST(LeakyRelu, ScalesNegativesByAlpha) {
  EXPECT_THAT(values_of(run({"LeakyRelu", {{"alpha", 0.5F}}, {row({-4, 3})}})), ElementsAre(-2, 3));
  EXPECT_THAT(values_of(run({"LeakyRelu", {}, {row({-100, 3})}})), ElementsAre(-1, 3));
}

TEST(Clip, TakesAttributesBeforeOpset11) {
  Case test{"Clip", {{"min", -1.0F}, {"max", 2.0F}}, {row({-5, 0, 5})}, 10};
  EXPECT_THAT(values_of(run(test)), ElementsAre(-1, 0, 2));
  test.opset = 11;
  EXPECT_THAT(error_of(test), HasSubstr("attribute 'max' is not supported"));
}

TEST(Clip, TakesOptionalInputsSinceOpset11) {
  const Tensor bound = Tensor::floats({}, {1});
  Case test{"Clip", {}, {row({-5, 0, 5}), std::nullopt, bound}, 11};
  EXPECT_THAT(values_of(run(test)), ElementsAre(-5, 0, 1));
  const auto kernel = std::get<UnaryKernel>(kernel_of(test));
  EXPECT_EQ(kernel.function, UnaryKernel::Function::clip);
  EXPECT_EQ(kernel.alpha, std::numeric_limits<float>::lowest());
  EXPECT_EQ(kernel.beta, 1);
  test.variable.insert(2);
  EXPECT_TRUE(std::holds_alternative<ReferenceKernel>(kernel_of(test)));
  EXPECT_THAT(values_of(run(test)), ElementsAre(-5, 0, 1));
}

TEST(Clip, UpperBoundWinsWhereBoundsCross) {
  const Case test{"Clip", {}, {row({-5, 5}), Tensor::floats({}, {3}), Tensor::floats({}, {1})}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(1, 1));
  EXPECT_TRUE(std::holds_alternative<ReferenceKernel>(kernel_of(test)));
}

TEST(Clip, RefusesABoundThatIsNoScalar) {
  EXPECT_THAT(error_of({"Clip", {}, {row({1, 2}), row({1, 2})}}), HasSubstr("is no scalar"));
}

TEST(Binary, BroadcastsAsNumpyDoes) {
  const Tensor a = Tensor::floats({2, 1}, {10, 20});
  EXPECT_THAT(values_of(run({"Add", {}, {a, row({1, 2, 3})}})),
              ElementsAre(11, 12, 13, 21, 22, 23));
  EXPECT_THAT(values_of(run({"Mul", {}, {row({1, 2, 3}), a}})),
              ElementsAre(10, 20, 30, 20, 40, 60));
  EXPECT_THAT(values_of(run({"Sum", {}, {a, row({1, 2}), Tensor::floats({}, {100})}})),
              ElementsAre(111, 112, 121, 122));
  EXPECT_THAT(error_of({"Add", {}, {row({1, 2}), row({1, 2, 3})}}),
              HasSubstr("shapes 2 and 3 do not broadcast"));
}

TEST(Sum, OfOneInputIsThatInput) {
  EXPECT_THAT(values_of(run({"Sum", {}, {row({1, 2})}})), ElementsAre(1, 2));
  EXPECT_TRUE(std::holds_alternative<ViewKernel>(kernel_of({"Sum", {}, {row({1, 2})}})));
}

TEST(Binary, ComputesOnIntegersOfOneType) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const auto integers = [](Ints values) {
    return Tensor::integers({static_cast<std::int64_t>(values.size())}, values);
  };
  const auto result = [&](const char* op, Ints a, Ints b) {
    const Tensor y = run({op, {}, {integers(std::move(a)), integers(std::move(b))}});
    return Ints(y.i64().begin(), y.i64().end());
  };
  EXPECT_THAT(result("Add", {1, most}, {2, 1}), ElementsAre(3, -most - 1));
  EXPECT_THAT(result("Sub", {1, -most}, {2, 2}), ElementsAre(-1, most));
  EXPECT_THAT(result("Mul", {3, most}, {-2, 2}), ElementsAre(-6, -2));
  EXPECT_THAT(result("Div", {7, -7, 5, -most - 1}, {2, 2, 0, -1}),
              ElementsAre(3, -3, 0, -most - 1));
  EXPECT_THAT(result("Max", {1, 5}, {2, 4}), ElementsAre(2, 5));
  EXPECT_THAT(result("Min", {1, 5}, {2, 4}), ElementsAre(1, 4));
  EXPECT_THAT(error_of({"Add", {}, {integers({1}), row({1})}}),
              HasSubstr("input 1 is float32, input 0 is int64"));
}

// A small file must not ask for terabytes by broadcasting.
TEST(Binary, RefusesABroadcastBeyondTheBound) {
  const Case test{"Add", {}, {iota({1 << 20, 1}), iota({1 << 20})}};
  EXPECT_THAT(error_of(test), HasSubstr("needs more than 8 GiB"));
}

TEST(BatchNormalization, FollowsItsFormula) {
  Random random(1);
  const Tensor x = random_tensor(random, {2, 3, 2, 2});
  const Tensor scale = row({1, 2, -1});
  const Tensor bias = row({0, 1, 2});
  const Tensor mean = row({0.5F, -0.5F, 0});
  const Tensor variance = row({1, 4, 0.25F});
  const Case test{"BatchNormalization", {{"epsilon", 0.01F}}, {x, scale, bias, mean, variance}};
  std::vector<float> expected;
  for (std::size_t i = 0; i < x.f32().size(); ++i) {
    const std::size_t c = i / 4 % 3;
    const double centred = static_cast<double>(x.f32()[i]) - static_cast<double>(mean.f32()[c]);
    const double deviation = std::sqrt(static_cast<double>(variance.f32()[c]) + 0.01);
    expected.push_back(
        static_cast<float>(static_cast<double>(scale.f32()[c]) * centred / deviation +
                           static_cast<double>(bias.f32()[c])));
  }
  expect_near(run(test), Tensor::floats(x.shape, expected), 1e-6);
  const auto kernel = std::get<AffineKernel>(kernel_of(test));
  EXPECT_NEAR(kernel.scale[1], 2 / std::sqrt(4.01), 1e-6);
  EXPECT_NEAR(kernel.shift[1], 1 + 0.5 * 2 / std::sqrt(4.01), 1e-6);
}

TEST(BatchNormalization, RefusesTrainingAndWrongParameters) {
  const Tensor ones = row({1, 1});
  Case test{"BatchNormalization", {}, {iota({1, 2, 2, 2}), ones, ones, ones, ones}};
  EXPECT_EQ(error_of(test), "");
  test.attributes = {{"training_mode", std::int64_t{1}}};
  EXPECT_THAT(error_of(test), HasSubstr("training_mode is not supported"));
  test.attributes = {{"spatial", std::int64_t{0}}};
  EXPECT_THAT(error_of(test), HasSubstr("spatial 0"));
  test.attributes = {};
  test.inputs[3] = row({1, 1, 1});
  EXPECT_THAT(error_of(test), HasSubstr("mean has shape 3, expected 2"));
  test.inputs[3].reset();
  EXPECT_THAT(error_of(test), HasSubstr("input 3 is missing"));
}

TEST(BatchNormalization, RunsAsReferenceWhereParametersAreComputed) {
  const Tensor ones = row({1, 1});
  const Case test{
      "BatchNormalization", {}, {iota({1, 2, 2, 2}), ones, ones, ones, ones}, 13, {0, 4}};
  EXPECT_TRUE(std::holds_alternative<ReferenceKernel>(kernel_of(test)));
}

TEST(Softmax, FlattensToTwoAxesBeforeOpset13) {
  Case test{"Softmax", {}, {Tensor::floats({1, 2, 2}, {0, 0, 0, 0})}, 12};
  EXPECT_THAT(values_of(run(test)), ElementsAre(0.25, 0.25, 0.25, 0.25));
  test.opset = 13;
  EXPECT_THAT(values_of(run(test)), ElementsAre(0.5, 0.5, 0.5, 0.5));
}

TEST(Softmax, NormalisesOneAxisSinceOpset13) {
  const Case test{
      "Softmax", {{"axis", std::int64_t{0}}}, {Tensor::floats({2, 2}, {0, 1, std::log(3.0F), 1})}};
  EXPECT_THAT(values_of(run(test)), Pointwise(FloatNear(1e-6F), {0.25F, 0.5F, 0.75F, 0.5F}));
}

TEST(Softmax, SurvivesLargeInputs) {
  EXPECT_THAT(values_of(run({"Softmax", {}, {row({1e30F, 1e30F})}})), ElementsAre(0.5, 0.5));
}

TEST(Softmax, RefusesAnAxisOutsideTheTensor) {
  EXPECT_THAT(error_of({"Softmax", {{"axis", std::int64_t{2}}}, {row({1})}}),
              HasSubstr("axis 2 is outside a tensor of rank 1"));
}

TEST(Lrn, FollowsItsFormulaForOddAndEvenSizes) {
  Random random(3);
  const Tensor x = random_tensor(random, {2, 6, 2, 1});
  for (const std::int64_t size : {1, 2, 3, 4, 5, 100}) {
    const double alpha = 0.5;
    std::vector<float> expected;
    for (std::int64_t i = 0; i < 24; ++i) {
      const std::int64_t c = i / 2 % 6;
      double squares = 0;
      for (std::int64_t other = 0; other < 6; ++other) {
        if (other < c - (size - 1) / 2 || other > c + size / 2) continue;
        const auto v = static_cast<double>(x.f32()[static_cast<std::size_t>(i + (other - c) * 2)]);
        squares += v * v;
      }
      const double power = std::pow(2 + alpha / static_cast<double>(size) * squares, 0.75);
      expected.push_back(
          static_cast<float>(static_cast<double>(x.f32()[static_cast<std::size_t>(i)]) / power));
    }
    const Case test{"LRN", {{"size", size}, {"alpha", 0.5F}, {"bias", 2.0F}}, {x}};
    expect_near(run(test), Tensor::floats(x.shape, expected), 1e-6);
    EXPECT_EQ(std::holds_alternative<LrnKernel>(kernel_of(test)), size % 2 == 1);
  }
}

TEST(Lrn, RefusesAMissingSize) {
  EXPECT_THAT(error_of({"LRN", {}, {iota({1, 2, 1, 1})}}), HasSubstr("size is 0"));
}

}  // namespace
}  // namespace hyps::cnn::testing
