// Every topology of the zoo, and real trained networks where they are at hand, in pieces.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "common/onnx/onnx.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/support/in_pieces.hpp"

namespace hyps::conformance {
namespace {

using test::expect_plans_equal_the_whole;
using test::plans_wanted;
using test::print;
using test::Tally;

class Zoo : public testing::TestWithParam<std::string> {};

TEST_P(Zoo, InPiecesIsTheWhole) {
  const auto graph = zoo::make(GetParam(), 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Tally tally = expect_plans_equal_the_whole(*graph, plans_wanted());
  print(GetParam(), tally);
  EXPECT_GT(tally.horizontal, tally.plans);
  EXPECT_GT(tally.tiles, 0);
}

INSTANTIATE_TEST_SUITE_P(Networks, Zoo, testing::ValuesIn(zoo::names()),
                         [](const auto& test) { return test.param; });

class Trained : public testing::TestWithParam<const char*> {};

TEST_P(Trained, InPiecesIsTheWhole) {
  const char* assets = std::getenv("HYPS_ASSETS");  // NOLINT(concurrency-mt-unsafe)
  const std::string name = GetParam();
  const auto file = std::filesystem::path(assets == nullptr ? "" : assets) / "models" / name;
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "HYPS_ASSETS names no folder with " << name;
  const auto graph = onnx::load(file);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Tally tally = expect_plans_equal_the_whole(*graph, plans_wanted());
  print(name, tally);
  EXPECT_GT(tally.horizontal, tally.plans);
  EXPECT_GT(tally.tiles, 0);
}

INSTANTIATE_TEST_SUITE_P(Networks, Trained,
                         testing::Values("mnist-8.onnx", "resnet8_cifar10.onnx",
                                         "squeezenet1.1.onnx", "tiny_darknet.onnx"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(c); },
                               '_');
                           return name;
                         });

}  // namespace
}  // namespace hyps::conformance
