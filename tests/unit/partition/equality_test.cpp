// Running the partitions in sequence gives what the whole graph gives, whatever the plan.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "graphs.hpp"
#include "tests/support/random_plans.hpp"

namespace hyps::partition::testing {
namespace {

// A threshold between "everything fits" and "hardly anything does", and cuts and slices by hand.
Request random_request(const std::vector<Layer>& layers, const cnn::Graph& graph, Random& random) {
  Request request;
  request.model_name = "random";
  if (random.below(2) == 0) {
    const bool bytes = random.below(2) == 0;
    const std::int64_t all = bytes ? peak_bytes(graph) + cnn::cost_of(graph).weight_bytes
                                   : cnn::cost_of(graph).parameters;
    request.threshold.unit = bytes ? Threshold::Unit::bytes : Threshold::Unit::parameters;
    request.threshold.value = std::max<std::int64_t>(1, all * random.between(15, 110) / 100);
  }
  if (random.below(2) == 0) {
    for (const auto& layer : layers) {
      if (layer.slice_axis >= 0 && random.below(3) == 0) {
        const auto most = std::min<std::int64_t>(7, layer.slice_extent);
        request.slices[layer.name] = static_cast<int>(random.between(2, most));
      }
    }
  }
  if (random.below(2) == 0) {
    for (const auto& layer : layers) {
      if (random.below(3) == 0) request.cut_after.push_back(layer.name);
    }
  }
  request.min_partitions = static_cast<int>(random.between(1, 5));
  if (random.below(2) == 0) test::add_random_tiles(graph, layers, random, request);
  return request;
}

void expect_consistent(const cnn::Graph& graph, const Plan& plan) {
  EXPECT_TRUE(check(plan).ok()) << check(plan).error().message;
  const auto again = plan_from_json(to_json(plan));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(plan));
  for (const auto& part : plan.partitions) {
    if (!has_layers(part.kind)) continue;
    const auto sub = extract(graph, plan, part);
    ASSERT_TRUE(sub.ok()) << sub.error().message;
    const cnn::Cost cost = cnn::cost_of(*sub);
    EXPECT_EQ(cost.parameters, part.cost.parameters) << part.name.text;
    EXPECT_EQ(cost.weight_bytes, part.cost.weight_bytes) << part.name.text;
    if (part.kind == Kind::vertical) {
      EXPECT_EQ(cost.flops, part.cost.flops) << part.name.text;
      EXPECT_EQ(peak_bytes(*sub), part.activation_bytes) << part.name.text;
    } else {
      EXPECT_LE(peak_bytes(*sub), part.activation_bytes) << part.name.text;
    }
    if (plan.threshold.value > 0) {
      const bool bytes = plan.threshold.unit == Threshold::Unit::bytes;
      EXPECT_LE(bytes ? part.memory_bytes() : part.cost.parameters, plan.threshold.value);
    }
  }
}

TEST(Equality, random_plans_of_random_graphs_equal_the_whole_graph) {
  int plans = 0;
  int refused = 0;
  int identical = 0;
  int slices = 0;
  int tiles = 0;
  double largest = 0;
  std::map<std::size_t, int> inputs;   // plans by number of inputs
  std::map<std::size_t, int> outputs;  // and of outputs; 3 stands for more too
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    const cnn::Graph graph = random_graph(seed);
    const auto layers = layers_of(graph);
    Random random(seed + 1000);
    for (int i = 0; i < 4; ++i) {
      SCOPED_TRACE(fmt::format("seed {}, plan {}", seed, i));
      const auto plan = make_plan(graph, random_request(layers, graph, random));
      if (!plan.ok()) {
        EXPECT_EQ(plan.error().kind, ErrorKind::invalid);
        EXPECT_NE(plan.error().message.find("layer"), std::string::npos) << plan.error().message;
        ++refused;
        continue;
      }
      expect_consistent(graph, *plan);
      const Comparison result = run_plan(graph, *plan, seed);
      ASSERT_EQ(result.error, "");
      ASSERT_LE(result.largest_error, 1e-5);
      largest = std::max(largest, result.largest_error);
      identical += result.bit_identical ? 1 : 0;
      slices += static_cast<int>(of_kind(*plan, Kind::horizontal).size());
      tiles += static_cast<int>(of_kind(*plan, Kind::tile).size());
      ++inputs[graph.inputs.size()];
      ++outputs[std::min<std::size_t>(3, graph.outputs.size())];
      ++plans;
    }
    if (::testing::Test::HasFailure()) break;
  }
  fmt::print(
      "{} plans ({} H-partitions, {} tiles): {} bit-identical, largest error {:.2g}; {} refused\n",
      plans, slices, tiles, identical, largest, refused);
  for (const std::size_t count : {1U, 2U, 3U}) {
    fmt::print("{} plans of {} inputs, {} of {} outputs\n", inputs[count], count, outputs[count],
               count);
    EXPECT_GT(inputs[count], 50);
    EXPECT_GT(outputs[count], 50);
  }
  EXPECT_EQ(identical, plans) << "cutting changes no sum, so no bit";
  EXPECT_GT(plans, 400);
  EXPECT_GT(slices, 300);
  EXPECT_GT(tiles, 300);
}

// The sizes of a Resize at the end of a model name all channels; a slice has some of them.
TEST(Equality, slices_are_resized_by_sizes) {
  GraphMaker maker(5);
  const std::string conv = maker.conv(maker.input("image", {1, 3, 6, 6}), 3, 6, 3, "conv");
  maker.add("Resize", {conv, "", "", maker.integers({1, 6, 12, 12})}, {}, "resized");
  const cnn::Graph graph = maker.finish();
  Request request;
  request.model_name = "resized";
  request.slices["conv"] = 3;
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto slices = of_kind(*plan, Kind::horizontal);
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0]->outputs[0].shape, (cnn::Shape{1, 2, 12, 12}));
  const Comparison result = run_plan(graph, *plan, 1);
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(result.bit_identical);
}

}  // namespace
}  // namespace hyps::partition::testing
