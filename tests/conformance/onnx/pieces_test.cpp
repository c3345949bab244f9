// ONNX's cases of several nodes, or of one that can be sliced, in pieces.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/conformance/onnx/cases.hpp"
#include "tests/support/in_pieces.hpp"

namespace hyps::conformance {
namespace {

// As a network: one input, the others weights. Nothing where it cannot be one.
std::optional<cnn::Graph> network_of(const Case& test_case) {
  if (eligibility(test_case) != Eligibility::eligible) return std::nullopt;
  const auto sets = data_sets(test_case);
  if (sets.empty()) return std::nullopt;
  auto graph = load_with_weights(test_case, sets[0], 1);
  if (!graph.ok() || graph->inputs.size() != 1) return std::nullopt;
  const auto layers = partition::layers_of(*graph);
  const bool sliceable = std::any_of(layers.begin(), layers.end(),
                                     [](const auto& layer) { return layer.slice_axis >= 0; });
  if (graph->nodes.size() < 2 && !sliceable) return std::nullopt;
  return std::move(graph).value();
}

TEST(OnnxConformance, CasesInPiecesAreTheWhole) {
  test::Tally all;
  int networks = 0;
  int cut = 0;
  for (const Case& test_case : all_cases()) {
    const auto graph = network_of(test_case);
    if (!graph) continue;
    SCOPED_TRACE(test_case.name);
    const test::Tally tally = test::expect_plans_equal_the_whole(*graph, test::plans_wanted());
    ++networks;
    cut += tally.partitions > tally.plans ? 1 : 0;
    all.plans += tally.plans;
    all.horizontal += tally.horizontal;
    all.partitions += tally.partitions;
    all.identical += tally.identical;
    all.largest = std::max(all.largest, tally.largest);
  }
  test::print(fmt::format("{} of ONNX's cases, {} of them cut", networks, cut), all);
  EXPECT_TRUE(cut > 30 || all_cases().empty());
}

}  // namespace
}  // namespace hyps::conformance
