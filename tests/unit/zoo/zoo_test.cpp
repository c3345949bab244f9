#include "common/zoo/zoo.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>

#include "common/base/digest.hpp"
#include "common/base/random.hpp"

namespace hyps::zoo {
namespace {

cnn::Graph made(const std::string& name, std::uint64_t seed = 1) {
  auto graph = make(name, seed);
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  return graph.ok() ? std::move(graph).value() : cnn::Graph{};
}

std::int64_t elements(const cnn::Graph& graph, const cnn::Node& node, std::size_t first,
                      std::size_t last) {
  std::int64_t sum = 0;
  for (std::size_t i = first; i <= last && i < node.inputs.size(); ++i) {
    sum += cnn::element_count(graph.weights.at(node.inputs[i]).shape);
  }
  return sum;
}

// As torchvision counts: weight and bias of Conv and Gemm, scale and shift of batch norms.
std::int64_t parameters(const cnn::Graph& graph) {
  std::int64_t sum = 0;
  for (const cnn::Node& node : graph.nodes) {
    const bool counts = node.op == "Conv" || node.op == "ConvTranspose" || node.op == "Gemm" ||
                        node.op == "BatchNormalization";
    if (counts) {
      sum += elements(graph, node, 1, 2);
    }
  }
  return sum;
}

TEST(Zoo, ParameterCountsAreTorchvisions) {
  const std::map<std::string, std::int64_t> expected{
      {"vgg16", 138'357'544},
      {"alexnet", 61'100'840},
      {"resnet18", 11'689'512},
      {"mobilenet_v2", 3'504'872},
      {"googlenet", 6'624'904},
      {"squeezenet1_1", 1'235'496},
      {"resnet50", 25'557'032},
      {"densenet121", 7'978'856},
      {"inception_v3", 23'834'568},
      {"shufflenet", 2'278'604},
      {"unet", 7'763'041},
      // YOLO9000's table does not say; this is what its published weights file holds.
      {"yolov2", 50'962'889}};
  EXPECT_EQ(names().size(), expected.size());
  for (const std::string& name : names()) {
    EXPECT_EQ(parameters(made(name)), expected.at(name)) << name;
  }
}

TEST(Zoo, EveryClassifierMapsAnImageToAThousandLogits) {
  const std::map<std::string, std::pair<std::int64_t, cnn::Shape>> others{
      {"inception_v3", {299, {1, 1000}}},
      {"unet", {256, {1, 1, 256, 256}}},
      {"yolov2", {608, {1, 425, 19, 19}}}};
  for (const std::string& name : names()) {
    const cnn::Graph graph = made(name);
    const auto other = others.find(name);
    const std::int64_t side = other == others.end() ? 224 : other->second.first;
    ASSERT_EQ(graph.inputs.size(), 1U);
    EXPECT_EQ(graph.inputs[0].shape, (cnn::Shape{1, 3, side, side})) << name;
    ASSERT_EQ(graph.outputs.size(), 1U);
    const cnn::Shape output = other == others.end() ? cnn::Shape{1, 1000} : other->second.second;
    EXPECT_EQ(graph.outputs[0].shape, output) << name;
    EXPECT_EQ(graph.opset, 13);
  }
}

TEST(Zoo, EveryWeightIsUsedAndEveryNodeNameUnique) {
  for (const std::string& name : names()) {
    const cnn::Graph graph = made(name);
    std::set<std::string> read;
    std::set<std::string> node_names;
    for (const cnn::Node& node : graph.nodes) {
      read.insert(node.inputs.begin(), node.inputs.end());
      EXPECT_TRUE(node_names.insert(node.name).second) << node.name;
    }
    for (const auto& [weight, tensor] : graph.weights) EXPECT_TRUE(read.contains(weight)) << weight;
  }
}

TEST(Zoo, Vgg16HasTheNamesAndFlopsOfThePaper) {
  const cnn::Graph graph = made("vgg16");
  std::set<std::string> layers;
  for (const cnn::Node& node : graph.nodes) layers.insert(node.name);
  for (const char* name :
       {"conv1_1", "conv1_2", "conv3_3", "conv5_3", "pool1", "pool5", "fc6", "fc7", "fc8"}) {
    EXPECT_TRUE(layers.contains(name)) << name;
  }
  EXPECT_EQ(graph.value("pool5").shape, (cnn::Shape{1, 512, 7, 7}));
  // 15.47 G multiply-adds
  EXPECT_NEAR(static_cast<double>(cnn::cost_of(graph).flops), 2 * 15.47e9, 0.1e9);
}

Digest digest_of_weights(const cnn::Graph& graph) {
  Digester digester;
  for (const auto& [name, tensor] : graph.weights) digester.add(tensor.data.bytes());
  return digester.result();
}

TEST(Zoo, ASeedGivesTheSameBitsEveryTimeAndAnotherSeedOthers) {
  const Digest one = digest_of_weights(made("squeezenet1_1", 1));
  EXPECT_EQ(one, digest_of_weights(made("squeezenet1_1", 1)));
  EXPECT_NE(one, digest_of_weights(made("squeezenet1_1", 2)));
}

TEST(Zoo, NoTwoWeightsAreEqual) {
  const cnn::Graph graph = made("resnet18");
  std::set<Digest> seen;
  for (const auto& [name, tensor] : graph.weights) {
    EXPECT_TRUE(seen.insert(digest_of(tensor.data.bytes())).second) << name;
  }
}

TEST(Zoo, AnUnknownNameListsTheKnownOnes) {
  const auto graph = make("vgg61", 1);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().kind, ErrorKind::not_found);
  EXPECT_THAT(graph.error().message,
              testing::AllOf(testing::HasSubstr("'vgg61'"),
                             testing::HasSubstr("squeezenet1_1, unet, vgg16")));
}

}  // namespace
}  // namespace hyps::zoo
