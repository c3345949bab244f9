// A network under many random plans, compared with itself in one piece.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/random_plans.hpp"

namespace hyps::test {

struct Tally {
  int plans = 0;
  int partitions = 0;  // of all plans, ingest and report not counted
  int horizontal = 0;
  int tiles = 0;
  int identical = 0;   // plans that gave every bit of the whole
  double largest = 0;  // relative error
};

inline constexpr double kPromised = 1e-5;
inline constexpr int kPlans = 20;

inline Result<std::vector<cnn::Tensor>> run_whole(const cnn::Graph& graph,
                                                  const std::vector<cnn::Tensor>& inputs,
                                                  engine::Engine& engine) {
  HYPS_TRY(const auto executable, engine.compile(graph));
  return executable->run(inputs);
}

inline void compare(const std::vector<cnn::Tensor>& got, const std::vector<cnn::Tensor>& right,
                    Tally& tally) {
  ASSERT_EQ(got.size(), right.size());
  bool identical = true;
  for (std::size_t i = 0; i < right.size(); ++i) {
    identical = identical && same_bits(got[i], right[i]);
    const double error = relative_error(got[i], right[i]);
    EXPECT_LE(error, kPromised) << "output " << i;
    tally.largest = std::max(tally.largest, error);
  }
  tally.identical += identical ? 1 : 0;
}

// Draws plans from seeds 1 to `plans`; expects each to be as right as promised. A network without
// layers is one partition in every plan.
inline Tally expect_plans_equal_the_whole(const cnn::Graph& graph, int plans) {
  Tally tally;
  Random random(1);
  const auto engine = engine::make_onednn_engine(1);
  const auto inputs = random_inputs(graph, random);
  const auto right = run_whole(graph, inputs, *engine);
  EXPECT_TRUE(right.ok()) << right.error().message;
  if (!right.ok()) return tally;
  const auto layers = partition::layers_of(graph);
  for (int seed = 1; seed <= plans && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("plan {}", seed));
    Random draw(static_cast<std::uint64_t>(seed));
    const auto plan = partition::make_plan(graph, random_cuts(graph, layers, draw));
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    if (!plan.ok()) break;
    const auto got = run_in_partitions(graph, *plan, inputs, *engine);
    EXPECT_TRUE(got.ok()) << got.error().message;
    if (!got.ok()) break;
    compare(*got, *right, tally);
    ++tally.plans;
    for (const auto& part : plan->partitions) {
      tally.horizontal += part.kind == partition::Kind::horizontal ? 1 : 0;
      tally.tiles += part.kind == partition::Kind::tile ? 1 : 0;
      tally.partitions += partition::has_layers(part.kind) ? 1 : 0;
    }
  }
  return tally;
}

// HYPS_PLANS, or what is promised.
inline int plans_wanted() {
  const char* text = std::getenv("HYPS_PLANS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? kPlans : std::atoi(text);
}

inline void print(const std::string& name, const Tally& tally) {
  fmt::print(
      "{}: {} plans with {} partitions, {} of them H, {} tiles; {} bit-identical, largest error "
      "{:.2g}\n",
      name, tally.plans, tally.partitions, tally.horizontal, tally.tiles, tally.identical,
      tally.largest);
}

}  // namespace hyps::test
