// The facts about VGG16 that the HyPS paper states.
#include <gtest/gtest.h>

#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

using SplitKind = SplitPoint::Kind;
constexpr Threshold kThirtyMillion{Threshold::Unit::parameters, 30'000'000};

Request request_for(const Threshold& threshold, int min_partitions = 1) {
  Request request;
  request.model_name = "vgg16";
  request.threshold = threshold;
  request.min_partitions = min_partitions;
  return request;
}

class Vgg16 : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    graph_ = new cnn::Graph(vgg16_of_zeros());
    layers_ = new std::vector<Layer>(layers_of(*graph_));
  }
  static void TearDownTestSuite() {
    delete graph_;
    delete layers_;
  }
  static Plan plan(const Threshold& threshold, int min_partitions = 1) {
    auto made = make_plan(*graph_, request_for(threshold, min_partitions));
    if (!made.ok()) ADD_FAILURE() << made.error().message;
    return made.ok() ? *made : Plan{};
  }
  inline static cnn::Graph* graph_ = nullptr;
  inline static std::vector<Layer>* layers_ = nullptr;
};

TEST_F(Vgg16, has_21_layers_13_conv_5_pool_3_fully_connected) {
  ASSERT_EQ(layers_->size(), 21U);
  int pools = 0;
  int slices_channels = 0;
  int slices_neurons = 0;
  for (const auto& layer : *layers_) {
    pools += layer.pooling ? 1 : 0;
    const auto& shape = graph_->value(layer.name).shape;
    slices_channels += layer.slice_axis == 1 && shape.size() == 4 ? 1 : 0;
    slices_neurons += layer.slice_axis == 1 && shape.size() == 2 ? 1 : 0;
  }
  EXPECT_EQ(pools, 5);
  EXPECT_EQ(slices_channels, 13);
  EXPECT_EQ(slices_neurons, 3);
}

TEST_F(Vgg16, layers_tile_the_nodes_and_hold_138_million_parameters) {
  std::int64_t next = 0;
  std::int64_t parameters = 0;
  for (const auto& layer : *layers_) {
    EXPECT_EQ(layer.nodes.begin, next);
    next = layer.nodes.end;
    parameters += layer.cost.parameters;
  }
  EXPECT_EQ(next, static_cast<std::int64_t>(graph_->nodes.size()));
  EXPECT_EQ(parameters, 138'357'544);
  EXPECT_EQ(parameters, cnn::cost_of(*graph_).parameters);
}

TEST_F(Vgg16, fc6_holds_102_76_million_and_begins_with_the_flatten) {
  const Layer& fc6 = (*layers_)[18];
  EXPECT_EQ(fc6.name, "fc6");
  EXPECT_EQ(fc6.cost.parameters, 102'764'544);
  EXPECT_EQ(graph_->nodes[static_cast<std::size_t>(fc6.nodes.begin)].op, "Flatten");
  EXPECT_EQ(fc6.leading_nodes, 0);
  EXPECT_EQ(fc6.sliced_nodes, 3);  // Flatten, Gemm, Relu
}

TEST_F(Vgg16, above_30_million_only_fc6_is_mandatory) {
  const auto points = split_points(*graph_, *layers_, kThirtyMillion);
  ASSERT_EQ(points.size(), 20U);
  for (const auto& point : points) {
    const bool around_fc6 = point.after_layer == 17 || point.after_layer == 18;
    EXPECT_EQ(point.kind == SplitKind::mandatory, around_fc6) << point.after_layer;
  }
}

TEST_F(Vgg16, optional_points_follow_the_five_pools_with_shrinking_maps) {
  std::vector<std::int64_t> sides;
  for (const auto& point : split_points(*graph_, *layers_, {})) {
    ASSERT_EQ(point.tensors.size(), 1U);
    EXPECT_EQ(point.bytes, point.tensors[0].bytes());
    if (point.kind != SplitKind::optional) continue;
    EXPECT_EQ(point.tensors[0].shape[2], point.tensors[0].shape[3]);
    sides.push_back(point.tensors[0].shape[2]);
  }
  EXPECT_EQ(sides, (std::vector<std::int64_t>{112, 56, 28, 14, 7}));
}

TEST_F(Vgg16, at_30_million_fc6_gets_four_slices_and_the_rest_two_partitions) {
  const Plan made = plan(kThirtyMillion);
  const auto slices = of_kind(made, Kind::horizontal);
  ASSERT_EQ(slices.size(), 4U);
  for (const auto* slice : slices) {
    EXPECT_EQ(slice->slice.size(), 1024);
    EXPECT_EQ(slice->cost.parameters, 25'691'136);
    EXPECT_EQ(slice->inputs[0].shape, (cnn::Shape{1, 512, 7, 7}));
    EXPECT_FALSE(slice->safe_zone);
  }
  const auto verticals = of_kind(made, Kind::vertical);
  ASSERT_EQ(verticals.size(), 2U);
  EXPECT_EQ(verticals[0]->cost.parameters, 14'714'688);
  EXPECT_EQ(verticals[1]->inputs.size(), 4U);
  EXPECT_EQ(verticals[1]->inputs[3].name, "relu6#3.4");
}

TEST_F(Vgg16, three_slices_of_fc6_would_be_above_30_million) {
  Request request = request_for(kThirtyMillion);
  request.slices["fc6"] = 3;
  const auto made = make_plan(*graph_, request);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("fc6"), std::string::npos) << made.error().message;
  EXPECT_NE(made.error().message.find("34.27 M"), std::string::npos) << made.error().message;
}

TEST_F(Vgg16, four_partitions_at_least_are_cut_after_pools_with_balanced_work) {
  const Plan made = plan(kThirtyMillion, 4);
  const auto verticals = of_kind(made, Kind::vertical);
  ASSERT_EQ(verticals.size(), 4U);
  std::int64_t whole = 0;
  for (const auto* part : verticals) whole += part->cost.flops;
  for (const auto* part : verticals) EXPECT_LT(part->cost.flops, whole * 45 / 100);
  EXPECT_EQ(verticals[0]->layers.back().substr(0, 4), "pool");
  EXPECT_EQ(verticals[1]->layers.back().substr(0, 4), "pool");
}

TEST_F(Vgg16, a_256_MB_device_holds_every_partition) {
  const Plan made = plan({Threshold::Unit::bytes, std::int64_t{256} << 20});
  EXPECT_EQ(of_kind(made, Kind::horizontal).size(), 2U);
  for (const auto& part : made.partitions) EXPECT_LE(part.memory_bytes(), std::int64_t{256} << 20);
}

TEST_F(Vgg16, slices_of_fc6_share_the_models_memory) {
  const Plan made = plan(kThirtyMillion);
  const auto part = extract(*graph_, made, *made.find(PartitionName("h01.2")));
  ASSERT_TRUE(part.ok()) << part.error().message;
  const std::byte* whole = graph_->weights.at("fc6.1").data.data();
  const auto& slice = part->weights.at("fc6.1#0.2048-3072");
  EXPECT_EQ(slice.data.data(), whole + 2048 * slice.data.size() / 1024);
  EXPECT_EQ(part->weights.size(), 2U);
}

TEST_F(Vgg16, consecutive_sliced_layers_hand_slices_on_without_a_partition_between) {
  const Plan made = plan({Threshold::Unit::parameters, 10'000'000});
  const auto slices = of_kind(made, Kind::horizontal);
  ASSERT_EQ(slices.size(), 13U);  // fc6 in 11, fc7 in 2
  EXPECT_EQ(slices[11]->name.text, "h02.0");
  EXPECT_EQ(slices[11]->inputs.size(), 11U);
  const auto part = extract(*graph_, made, *slices[11]);
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(part->nodes[0].op, "Concat");
}

}  // namespace
}  // namespace hyps::partition::testing
