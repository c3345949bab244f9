// Cuts against brute force, and the rules for layers that fit in no way.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

// Conv, pool and the odd residual: nothing that needs slices.
cnn::Graph chain_of(int layers, std::uint64_t seed) {
  GraphMaker maker(seed);
  std::string x = maker.input("image", {1, 3, 64, 64});
  std::string skip;
  for (int i = 0; i < layers; ++i) {
    const auto shape = maker.shape_of(x);
    const auto choice = maker.random().below(5);
    if (choice == 0 && shape[2] >= 4) {
      x = maker.pool(x);
      skip.clear();
    } else {
      const bool same = !skip.empty() && choice >= 3;
      const std::int64_t out = same ? maker.shape_of(skip)[1] : maker.random().between(2, 12);
      x = maker.conv(x, shape[1], out, 3);
      if (same) x = maker.add("Add", {x, skip});
      skip = same ? "" : x;
    }
  }
  return maker.finish();
}

using Score = std::tuple<std::size_t, int, int, std::int64_t>;

// Partitions, cuts with several tensors, cuts at no optional point, bytes crossing.
Score score_of(const Plan& plan, const std::vector<Layer>& layers,
               const std::vector<SplitPoint>& points) {
  const auto verticals = of_kind(plan, Kind::vertical);
  Score score{verticals.size(), 0, 0, 0};
  for (std::size_t i = 0; i + 1 < verticals.size(); ++i) {
    for (const auto& point : points) {
      if (layers[point.after_layer].nodes.end != verticals[i]->nodes.end) continue;
      std::get<1>(score) += point.tensors.size() > 1 ? 1 : 0;
      std::get<2>(score) += point.kind == SplitPoint::Kind::optional ? 0 : 1;
      std::get<3>(score) += point.bytes;
    }
  }
  return score;
}

// Every set of cuts that fits; the best score.
std::optional<Score> best_by_brute_force(const cnn::Graph& graph, Request request,
                                         const std::vector<Layer>& layers,
                                         const std::vector<SplitPoint>& points) {
  std::optional<Score> best;
  for (std::uint64_t set = 0; set < (std::uint64_t{1} << (layers.size() - 1)); ++set) {
    request.cut_after = {layers.back().name};  // no cut, but by hand
    for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
      if ((set >> i & 1U) != 0) request.cut_after.push_back(layers[i].name);
    }
    const auto plan = make_plan(graph, request);
    if (!plan.ok()) continue;
    const Score score = score_of(*plan, layers, points);
    if (!best || score < *best) best = score;
  }
  return best;
}

TEST(Cutting, finds_the_best_cuts_that_brute_force_finds) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const cnn::Graph graph = chain_of(8, seed);
    const auto layers = layers_of(graph);
    Random random(seed);
    for (int i = 0; i < 3; ++i) {
      SCOPED_TRACE(fmt::format("seed {}, threshold {}", seed, i));
      Request request;
      request.model_name = "chain";
      const bool bytes = random.below(2) == 0;
      request.threshold.unit = bytes ? Threshold::Unit::bytes : Threshold::Unit::parameters;
      std::int64_t largest = 1;
      for (const auto& layer : layers) largest = std::max(largest, layer.cost.parameters);
      const std::int64_t all = bytes ? peak_bytes(graph) + cnn::cost_of(graph).weight_bytes
                                     : cnn::cost_of(graph).parameters;
      request.threshold.value = std::max(bytes ? 1 : largest, all * random.between(30, 100) / 100);
      const auto points = split_points(graph, layers, request.threshold);
      const auto plan = make_plan(graph, request);
      const auto divided = [](const Partition& part) { return is_sibling(part.kind); };
      if (plan.ok() && std::any_of(plan->partitions.begin(), plan->partitions.end(), divided)) {
        continue;
      }
      const auto best = best_by_brute_force(graph, request, layers, points);
      ASSERT_EQ(plan.ok(), best.has_value()) << (plan.ok() ? "" : plan.error().message);
      if (!plan.ok()) continue;
      EXPECT_EQ(score_of(*plan, layers, points), *best);
      ++compared;
    }
  }
  fmt::print("{} plans compared with brute force\n", compared);
  EXPECT_GT(compared, 40);
}

TEST(Cutting, more_partitions_are_as_balanced_as_brute_force_within_a_quarter) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const cnn::Graph graph = chain_of(9, seed);
    const auto layers = layers_of(graph);
    for (const std::size_t wanted : {2U, 3U, 4U}) {
      SCOPED_TRACE(fmt::format("seed {}, {} partitions", seed, wanted));
      Request request;
      request.model_name = "chain";
      request.min_partitions = static_cast<int>(wanted);
      const auto plan = make_plan(graph, request);
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      const auto verticals = of_kind(*plan, Kind::vertical);
      ASSERT_EQ(verticals.size(), std::min(wanted, layers.size()));
      std::int64_t heaviest = 0;
      for (const auto* part : verticals) heaviest = std::max(heaviest, part->cost.flops);
      std::int64_t best = std::numeric_limits<std::int64_t>::max();
      for (std::uint64_t set = 0; set < (std::uint64_t{1} << (layers.size() - 1)); ++set) {
        if (static_cast<std::size_t>(__builtin_popcountll(set)) + 1 != verticals.size()) continue;
        std::int64_t most = 0;
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < layers.size(); ++i) {
          sum += layers[i].cost.flops;
          most = std::max(most, sum);
          if ((set >> i & 1U) != 0) sum = 0;
        }
        best = std::min(best, most);
      }
      EXPECT_LE(heaviest, best + best / 4);
    }
  }
}

TEST(Cutting, no_more_partitions_than_layers) {
  const cnn::Graph graph = chain_of(5, 3);
  Request request;
  request.model_name = "chain";
  request.min_partitions = 100;
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(of_kind(*plan, Kind::vertical).size(), layers_of(graph).size());
}

std::string error_of(const cnn::Graph& graph, const Request& request) {
  const auto plan = make_plan(graph, request);
  return plan.ok() ? "" : plan.error().message;
}

Request bytes_request(std::int64_t bytes) {
  Request request;
  request.model_name = "m";
  request.threshold = {Threshold::Unit::bytes, bytes};
  return request;
}

TEST(Cutting, a_pool_whose_maps_do_not_fit_is_named_with_what_it_needs) {
  GraphMaker maker(1);
  const std::string x = maker.input("image", {1, 4, 64, 64});
  maker.pool(x, "bigpool");
  const std::string error = error_of(maker.finish(), bytes_request(40'000));
  EXPECT_NE(error.find("'bigpool' (MaxPool) needs 80.0 KB and a device has 39.1 KB"),
            std::string::npos)
      << error;
}

TEST(Cutting, a_convolution_whose_input_alone_does_not_fit_is_named_with_what_it_needs) {
  GraphMaker maker(1);
  const std::string x = maker.input("image", {1, 4, 64, 64});
  maker.conv(x, 4, 8, 3, "conv");
  const std::string error = error_of(maker.finish(), bytes_request(70'000));
  EXPECT_NE(error.find("layer 'conv' needs"), std::string::npos) << error;
  EXPECT_NE(error.find("even cut into 8 slices each needs 80.1 KB"), std::string::npos) << error;
}

TEST(Cutting, a_layer_that_fits_stays_whole_and_one_that_never_fits_is_named) {
  GraphMaker maker(1);
  const std::string x = maker.input("image", {1, 1, 64, 64});
  const std::string y = maker.conv(x, 1, 8, 3, "conv");
  maker.conv(y, 8, 8, 3, "strided", 16);
  const cnn::Graph graph = maker.finish();
  // conv has 16 KB in and 128 KB out, which strided takes in.
  const auto plan = make_plan(graph, bytes_request(300'000));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(of_kind(*plan, Kind::horizontal).empty());
  // Together they would fit in tiles; cut between by hand, they do not.
  Request request = bytes_request(100'000);
  request.cut_after = {"conv"};
  EXPECT_NE(error_of(graph, request).find("strided"), std::string::npos);
}

TEST(Cutting, a_join_that_fits_only_alone_is_a_partition_of_its_own) {
  GraphMaker maker(1);
  std::string x = maker.input("image", {1, 2, 4, 4});
  x = maker.conv(x, 2, 64, 3, "wide");    // 4 KB out, 4.6 KB weights
  x = maker.conv(x, 64, 2, 1, "narrow");  // 4 KB in, 0.5 KB weights
  const cnn::Graph graph = maker.finish();
  Request request = bytes_request(8'300);  // twice 4 KB, but not with narrow besides
  request.slices = {{"wide", 2}};
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto verticals = of_kind(*plan, Kind::vertical);
  ASSERT_EQ(verticals.size(), 2U);
  EXPECT_EQ(verticals[0]->nodes.size(), 0);
  EXPECT_EQ(run_plan(graph, *plan, 1).error, "");
  EXPECT_EQ(run_plan(graph, *plan, 1).largest_error, 0);
}

TEST(Cutting, a_sliced_model_output_is_joined_by_a_partition_of_its_own) {
  GraphMaker maker(1);
  const std::string x = maker.input("image", {1, 10});
  maker.gemm(x, 10, 9, "fc");
  const cnn::Graph graph = maker.finish();
  Request request;
  request.model_name = "m";
  request.slices["fc"] = 4;
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan->partitions.size(), 7U);
  EXPECT_EQ(plan->partitions[5].name.text, "v01");
  EXPECT_EQ(plan->partitions[5].nodes.size(), 0);
  for (const auto& part : plan->partitions) EXPECT_TRUE(part.safe_zone) << part.name.text;
  EXPECT_EQ(plan->partitions[1].slice.size(), 3);  // 9 = 3 + 2 + 2 + 2
  EXPECT_EQ(plan->partitions[4].slice.size(), 2);
  EXPECT_TRUE(run_plan(graph, *plan, 1).bit_identical);
}

TEST(Cutting, unknown_layers_and_impossible_requests_are_refused_by_name) {
  GraphMaker maker(1);
  std::string x = maker.input("image", {1, 3, 8, 8});
  x = maker.conv(x, 3, 6, 3, "conv");
  maker.pool(x, "pool");
  const cnn::Graph graph = maker.finish();
  const auto error_with = [&](auto change) {
    Request request;
    request.model_name = "m";
    change(request);
    return error_of(graph, request);
  };
  EXPECT_NE(error_with([](Request& r) { r.cut_after = {"cov"}; }).find("'cov'"), std::string::npos);
  EXPECT_NE(error_with([](Request& r) { r.slices["cov"] = 2; }).find("'cov'"), std::string::npos);
  EXPECT_NE(error_with([](Request& r) { r.slices["conv"] = 7; }).find("6 channels"),
            std::string::npos);
  EXPECT_NE(error_with([](Request& r) { r.slices["conv"] = 0; }).find("'conv'"), std::string::npos);
  EXPECT_NE(error_with([](Request& r) { r.slices["pool"] = 2; }).find("MaxPool"),
            std::string::npos);
  EXPECT_NE(error_with([](Request& r) { r.model_name = "../m"; }).find("'../m'"),
            std::string::npos);
  EXPECT_NE(error_with([](Request& r) { r.min_partitions = 257; }).find("257"), std::string::npos);
}

// image → conv1 → conv2 → conv3 (+ late) → end: `late` is read by the last layer only, and conv1 is
// an output, too.
TEST(Cutting, inputs_and_outputs_may_be_anywhere_and_are_secret_wherever_they_are) {
  GraphMaker maker(1);
  std::string x = maker.input("image", {1, 3, 8, 8});
  const std::string late = maker.input("late", {1, 4, 8, 8});
  maker.input("unread", {2});
  for (const char* name : {"conv1", "conv2", "conv3"}) {
    x = maker.conv(x, maker.shape_of(x)[1], 4, 3, name);
  }
  maker.add("Add", {x, late}, {}, "end");
  cnn::Graph graph = maker.finish();
  graph.outputs.push_back({"conv1", {}, {}});
  ASSERT_TRUE(cnn::infer_shapes(graph).ok());
  Request request = bytes_request(0);
  request.cut_after = {"conv1", "conv2"};
  const auto plan = make_plan(graph, request);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto names = [](const std::vector<cnn::Value>& values) {
    std::string text;
    for (const auto& value : values) text += value.name + " ";
    return text;
  };
  EXPECT_EQ(names(plan->partitions.front().outputs), "image late unread ");
  EXPECT_EQ(names(plan->partitions.back().inputs), "end conv1 ");
  const auto verticals = of_kind(*plan, Kind::vertical);
  ASSERT_EQ(verticals.size(), 3U);
  EXPECT_TRUE(verticals[0]->safe_zone) << "it sees image and makes an output";
  EXPECT_TRUE(verticals[1]->safe_zone) << "it reads an output";
  EXPECT_EQ(names(verticals[2]->inputs), "conv2 late ");
  EXPECT_TRUE(verticals[2]->safe_zone) << "it sees late";
  Plan open = *plan;
  open.partitions[3].safe_zone = false;
  EXPECT_FALSE(check(open).ok());
  EXPECT_TRUE(run_plan(graph, *plan, 1).bit_identical);
}

TEST(Cutting, a_model_without_open_inputs_is_refused) {
  GraphMaker maker(1);
  maker.add("Relu", {maker.weight({1, 4}, 1)});
  EXPECT_NE(error_of(maker.finish(), bytes_request(0)).find("no input that is left open"),
            std::string::npos);
}

TEST(Cutting, a_node_that_no_output_needs_is_refused_by_name) {
  GraphMaker maker(1);
  const std::string x = maker.input("a", {1, 4});
  maker.gemm(x, 4, 4, "used");
  maker.gemm(x, 4, 4, "dead");
  cnn::Graph graph = maker.finish();
  graph.outputs.pop_back();
  EXPECT_NE(error_of(graph, bytes_request(0)).find("'dead'"), std::string::npos);
}

}  // namespace
}  // namespace hyps::partition::testing
