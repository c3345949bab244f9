// Seeded weights must give outputs that tell right from wrong: finite, of sensible size, distinct.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/base/random.hpp"
#include "common/engine/engine.hpp"
#include "common/zoo/zoo.hpp"

namespace hyps::zoo {
namespace {

// Normalized images have mean 0 and variance 1; so has this.
cnn::Tensor random_image(const cnn::Shape& shape, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
  for (float& value : values) value = random.uniform(-1.7F, 1.7F);
  return cnn::Tensor::floats(shape, std::move(values));
}

std::vector<float> output(engine::Executable& net, const cnn::Shape& shape, std::uint64_t image) {
  const auto outputs = net.run({random_image(shape, image)});
  EXPECT_TRUE(outputs.ok()) << outputs.error().message;
  if (!outputs) return {};
  const auto values = outputs->at(0).f32();
  return {values.begin(), values.end()};
}

std::size_t distinct(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  return static_cast<std::size_t>(std::unique(values.begin(), values.end()) - values.begin());
}

class ZooOutputs : public testing::TestWithParam<std::string> {};

TEST_P(ZooOutputs, AreFiniteDistinctAndDependOnTheImage) {
  const auto graph = make(GetParam(), 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto engine = engine::make_onednn_engine(0);
  const auto net = engine->compile(graph.value());
  ASSERT_TRUE(net.ok()) << net.error().message;
  const cnn::Shape shape = graph->inputs.at(0).shape;
  const std::vector<float> first = output(**net, shape, 1);
  const std::vector<float> second = output(**net, shape, 2);
  ASSERT_GE(first.size(), 1000U);
  EXPECT_NE(first, second);
  // A ReLU at the end, as in SqueezeNet, leaves some at 0; of many values some are equal.
  EXPECT_GT(distinct(first), 700U);
  const auto [low, high] = std::minmax_element(first.begin(), first.end());
  EXPECT_TRUE(std::all_of(first.begin(), first.end(), [](float x) { return std::isfinite(x); }));
  EXPECT_GT(*high - *low, 0.1F);
  EXPECT_LT(std::max(std::abs(*low), std::abs(*high)), 1e3F);
}

INSTANTIATE_TEST_SUITE_P(All, ZooOutputs, testing::ValuesIn(names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace hyps::zoo
