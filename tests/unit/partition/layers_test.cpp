#include <gtest/gtest.h>

#include "common/zoo/zoo.hpp"
#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

TEST(Layers, roles_gather_nodes_around_the_one_that_starts) {
  GraphMaker maker(1);
  std::string x = maker.input("image", {1, 2, 8, 8});
  x = maker.add("Relu", {x});  // before any start: belongs to the first layer
  x = maker.conv(x, 2, 4, 3, "conv");
  x = maker.add("Relu", {x});
  x = maker.pool(x, "pool");
  x = maker.add("Flatten", {x});
  x = maker.gemm(x, 64, 5, "fc");
  maker.add("Flatten", {x});  // leads into nothing: belongs to the last layer
  const cnn::Graph graph = maker.finish();
  const auto layers = layers_of(graph);
  ASSERT_EQ(names_of(layers), (std::vector<std::string>{"conv", "pool", "fc"}));
  EXPECT_EQ(layers[0].nodes, (cnn::Range{0, 3}));
  EXPECT_EQ(layers[0].leading_nodes, 1);  // a Relu is no view: the partition before takes it
  EXPECT_EQ(layers[0].sliced_nodes, 2);
  EXPECT_EQ(layers[1].nodes, (cnn::Range{3, 4}));
  EXPECT_TRUE(layers[1].pooling);
  EXPECT_EQ(layers[1].slice_axis, -1);
  EXPECT_EQ(layers[2].nodes, (cnn::Range{4, 7}));
  EXPECT_EQ(layers[2].sliced_nodes, 2);
}

TEST(Layers, a_bias_added_after_a_product_is_sliced_with_it_and_a_softmax_is_not) {
  GraphMaker maker(1);
  std::string x = maker.input("image", {1, 6});
  x = maker.add("MatMul", {x, maker.weight({6, 8}, 1)}, {}, "product");
  x = maker.add("Add", {x, maker.weight({8}, 1)});
  maker.add("Softmax", {x}, {{"axis", std::int64_t{1}}});
  const cnn::Graph graph = maker.finish();
  const auto layers = layers_of(graph);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].slice_extent, 8);
  EXPECT_EQ(layers[0].sliced_nodes, 2);
}

TEST(Layers, a_value_needed_elsewhere_ends_the_sliced_nodes) {
  GraphMaker maker(1);
  std::string x = maker.input("image", {1, 2, 4, 4});
  const std::string y = maker.conv(x, 2, 4, 3, "conv");
  const std::string relu = maker.add("Relu", {y});
  maker.conv(relu, 4, 4, 3, "next");
  maker.add("Add", {"next", y});
  const auto layers = layers_of(maker.finish());
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].sliced_nodes, 1);
  EXPECT_EQ(layers[1].sliced_nodes, 1);  // the Add would need a part of y
}

TEST(Layers, grouped_convolutions_are_not_sliced) {
  GraphMaker maker(1);
  maker.conv(maker.input("image", {1, 4, 4, 4}), 4, 8, 3, "grouped", 1, 2);
  EXPECT_EQ(layers_of(maker.finish())[0].slice_axis, -1);
}

TEST(Layers, a_pool_inside_a_branch_is_no_optional_split_point) {
  GraphMaker maker(1);
  const std::string x = maker.input("image", {1, 2, 8, 8});
  const std::string a = maker.conv(x, 2, 2, 3, "a", 2);
  const std::string b = maker.pool(x, "b");
  maker.conv(maker.add("Add", {a, b}), 2, 2, 3, "c");
  const cnn::Graph graph = maker.finish();
  const auto points = split_points(graph, layers_of(graph), {});
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].tensors.size(), 2U);  // a and the image
  EXPECT_EQ(points[1].kind, SplitPoint::Kind::optional);
  EXPECT_EQ(points[0].bytes, 4 * (2 * 16 + 2 * 64));
}

TEST(Layers, known_topologies_are_cut_into_layers_that_tile_them) {
  for (const std::string name : {"resnet18", "mobilenet_v2", "googlenet", "squeezenet1_1"}) {
    SCOPED_TRACE(name);
    const auto graph = zoo::make(name, 1);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const auto layers = layers_of(*graph);
    std::int64_t next = 0;
    cnn::Cost sum;
    for (const auto& layer : layers) {
      EXPECT_EQ(layer.nodes.begin, next);
      EXPECT_GT(layer.nodes.size(), 0);
      next = layer.nodes.end;
      sum.parameters += layer.cost.parameters;
      sum.flops += layer.cost.flops;
    }
    EXPECT_EQ(next, static_cast<std::int64_t>(graph->nodes.size()));
    // Constants that several layers share (the bounds of ReLU6) count in each.
    const std::int64_t shared = sum.parameters - cnn::cost_of(*graph).parameters;
    EXPECT_GE(shared, 0);
    EXPECT_LT(shared, 100);
    EXPECT_EQ(sum.flops, cnn::cost_of(*graph).flops);
  }
}

TEST(Layers, known_topologies_with_branches_are_cut_where_one_tensor_crosses) {
  for (const std::string name : {"resnet18", "mobilenet_v2", "googlenet", "squeezenet1_1"}) {
    SCOPED_TRACE(name);
    const auto graph = zoo::make(name, 1);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    Request request;
    request.model_name = name;
    request.min_partitions = 4;
    const auto plan = make_plan(*graph, request);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(of_kind(*plan, Kind::vertical).size(), 4U);
    for (const auto* part : of_kind(*plan, Kind::vertical)) {
      EXPECT_EQ(part->inputs.size(), 1U) << part->name.text;
      EXPECT_TRUE(extract(*graph, *plan, *part).ok());
    }
  }
}

}  // namespace
}  // namespace hyps::partition::testing
