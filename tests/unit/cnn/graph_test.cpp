// Walks over whole graphs: shapes, folding, cost, reference runs, and the operator table.
#include <gmock/gmock.h>

#include <filesystem>

#include "cases.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Graph graph_with(std::vector<Node> nodes, std::vector<std::string> outputs = {"y"}) {
  Graph graph;
  graph.inputs = {{"x", DType::f32, {1, 2, 4, 4}}};
  for (std::string& name : outputs) graph.outputs.push_back({std::move(name), DType::f32, {}});
  graph.nodes = std::move(nodes);
  return graph;
}

std::string infer_error(Graph graph) {
  const Status status = infer_shapes(graph);
  return status.ok() ? "" : status.error().message;
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

TEST(Operators, AreOneForEachFileAndComplete) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::source_dir() / "common/cnn/ops")) {
    files += entry.path().extension() == ".cpp" ? 1U : 0U;
  }
  EXPECT_EQ(all_operators().size(), files);
  for (const Operator& op : all_operators()) {
    EXPECT_EQ(find_operator(op.type), &op);
    EXPECT_TRUE(op.infer && op.flops && op.reference && op.kernel && op.slice_axis && op.slice &&
                op.tile)
        << op.type;
  }
  EXPECT_EQ(find_operator("Nonsense"), nullptr);
  EXPECT_EQ(find_operator(""), nullptr);
}

TEST(Operators, HaveTheirRolesInLayers) {
  const auto role = [](const char* type) { return find_operator(type)->role; };
  for (const char* type :
       {"Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "GlobalAveragePool"}) {
    EXPECT_EQ(role(type), LayerRole::starts) << type;
  }
  for (const char* type : {"Flatten", "Reshape", "Pad", "Transpose"}) {
    EXPECT_EQ(role(type), LayerRole::leads) << type;
  }
  for (const char* type : {"Relu", "Softmax", "Add", "Concat", "BatchNormalization", "LRN"}) {
    EXPECT_EQ(role(type), LayerRole::follows) << type;
  }
  for (const Operator& op : all_operators()) {
    EXPECT_EQ(op.pooling, std::string(op.type).ends_with("Pool")) << op.type;
  }
}

TEST(InferShapes, FillsValuesAndOutputs) {
  Graph graph = graph_with({{"Relu", "r", {"x"}, {"a"}, {}}, {"Flatten", "f", {"a"}, {"y"}, {}}});
  ASSERT_TRUE(infer_shapes(graph).ok());
  EXPECT_EQ(graph.value("a").shape, (Shape{1, 2, 4, 4}));
  EXPECT_EQ(graph.outputs[0].shape, (Shape{1, 32}));
  EXPECT_EQ(graph.values.size(), 3U);
}

TEST(InferShapes, NamesAnUnknownOperatorAndAllKnownOnes) {
  Graph graph = graph_with({{"NonMaxSuppression", "nms", {"x"}, {"y"}, {}}});
  const Status status = infer_shapes(graph);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(status.error().message,
              HasSubstr("NonMaxSuppression 'nms': operator is not supported; supported are Abs, "));
  EXPECT_THAT(status.error().message, HasSubstr(", Transpose"));
}

TEST(InferShapes, RefusesGraphsThatHoldTogetherNowhere) {
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {"z"}, {"y"}, {}}})),
              HasSubstr("Relu 'r': its input 'z' is computed by no node before it"));
  EXPECT_THAT(
      infer_error(graph_with({{"Relu", "a", {"x"}, {"y"}, {}}, {"Relu", "b", {"x"}, {"y"}, {}}})),
      HasSubstr("Relu 'b': value 'y' is defined twice"));
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {"x"}, {"x"}, {}}})),
              HasSubstr("value 'x' is defined twice"));
  EXPECT_THAT(infer_error(graph_with({})), HasSubstr("graph output 'y' is computed by no node"));
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {}, {"y"}, {}}})), HasSubstr("is missing"));
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {""}, {"y"}, {}}})), HasSubstr("is missing"));
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {"x"}, {}, {}}})), HasSubstr("has no output"));
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {"x", "x"}, {"y"}, {}}})),
              HasSubstr("has 2 inputs, at most 1 are defined"));
  EXPECT_THAT(infer_error(graph_with({{"Relu", "r", {"x"}, {"y", "z"}, {}}})),
              HasSubstr("output 1 ('z') is not supported"));
}

TEST(InferShapes, RefusesUnsupportedOpsets) {
  for (const int opset : {-1, 6, 22, 1000}) {
    Graph graph = graph_with({{"Relu", "r", {"x"}, {"y"}, {}}});
    graph.opset = opset;
    EXPECT_THAT(infer_error(graph), HasSubstr("is not supported; convert the model to opset 7"));
  }
}

TEST(InferShapes, RefusesHostileInputsAndWeights) {
  Graph graph = graph_with({{"Relu", "r", {"x"}, {"y"}, {}}});
  graph.inputs[0].shape = {1, -3};
  EXPECT_THAT(infer_error(graph), HasSubstr("graph input 'x': extent -3 is negative"));
  graph.inputs[0].shape = {1, 0};
  EXPECT_THAT(infer_error(graph), HasSubstr("it has no elements"));
  graph.inputs[0].shape = Shape(4, std::int64_t{1} << 40U);
  EXPECT_THAT(infer_error(graph), HasSubstr("is too large"));
  graph.inputs[0].shape = Shape(8, std::int64_t{1} << 30U);
  EXPECT_THAT(infer_error(graph), HasSubstr("needs more than 8 GiB"));
  graph.inputs[0].shape = Shape(9, 1);
  EXPECT_THAT(infer_error(graph), HasSubstr("rank 9 is above the 8 supported"));
  graph.inputs[0].shape = {1};
  graph.weights["w"] = {DType::i64, {2}, Blob::copy_of("12345678")};
  EXPECT_THAT(infer_error(graph),
              HasSubstr("weight 'w': shape 2 of int64 needs 16 bytes, there are 8"));
}

TEST(ElementCount, StopsAtACeilingInsteadOfOverflowing) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({3, 0}), 0);
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  const Value value{"v", DType::i64, {huge, huge}};
  EXPECT_GT(value.bytes(), std::int64_t{1} << 61U);
  EXPECT_EQ(element_count({huge, huge, 0}), 0);
}

TEST(FoldConstants, EvaluatesWhatDependsOnWeightsAlone) {
  Graph graph = graph_with({{"Constant", "c", {}, {"target"}, {{"value_ints", Ints{2, -1}}}},
                            {"Identity", "i", {"target"}, {"same"}, {}},
                            {"Reshape", "s", {"x", "same"}, {"flat"}, {}},
                            {"Transpose", "t", {"w"}, {"wt"}, {}},
                            {"MatMul", "m", {"flat", "wt"}, {"y"}, {}}});
  graph.weights["w"] = iota({3, 16});
  ASSERT_TRUE(fold_constants(graph).ok());  // before shapes are known
  EXPECT_THAT(ops_of(graph), ElementsAre("Reshape", "MatMul"));
  EXPECT_EQ(graph.weights.size(), 2U);
  ASSERT_TRUE(infer_shapes(graph).ok());
  EXPECT_EQ(graph.outputs[0].shape, (Shape{2, 3}));
}

TEST(FoldConstants, DropsWhatNoOutputNeeds) {
  Graph graph =
      graph_with({{"Relu", "dead", {"x"}, {"unused"}, {}}, {"Relu", "live", {"x"}, {"y"}, {}}});
  graph.weights["w"] = iota({3});
  ASSERT_TRUE(infer_shapes(graph).ok());
  ASSERT_TRUE(fold_constants(graph).ok());
  EXPECT_THAT(ops_of(graph), ElementsAre("Relu"));
  EXPECT_THAT(graph.weights, IsEmpty());
  EXPECT_FALSE(graph.values.contains("unused"));
  EXPECT_TRUE(graph.values.contains("y"));
}

TEST(FoldConstants, ShortcutsIdentityAndDropoutAndKeepsOutputNames) {
  Graph graph = graph_with({{"Relu", "r", {"x"}, {"a"}, {}},
                            {"Dropout", "d", {"a"}, {"b", "mask"}, {}},
                            {"Identity", "i", {"b"}, {"y"}, {}}});
  ASSERT_TRUE(fold_constants(graph).ok());
  EXPECT_THAT(ops_of(graph), ElementsAre("Relu"));
  EXPECT_THAT(graph.nodes[0].outputs, ElementsAre("y"));
  EXPECT_TRUE(infer_shapes(graph).ok());
}

TEST(FoldConstants, KeepsAnIdentityBetweenTwoPromisedNames) {
  Graph graph = graph_with({{"Relu", "r", {"x"}, {"a"}, {}},
                            {"Identity", "i1", {"a"}, {"y"}, {}},
                            {"Identity", "i2", {"a"}, {"z"}, {}},
                            {"Identity", "i3", {"x"}, {"w"}, {}},
                            {"Relu", "r2", {"a"}, {"v"}, {}}},
                           {"y", "z", "w", "v"});
  ASSERT_TRUE(infer_shapes(graph).ok());
  const std::vector<Tensor> inputs{iota({1, 2, 4, 4})};
  const auto before = run_reference(graph, inputs);
  ASSERT_TRUE(fold_constants(graph).ok());
  EXPECT_THAT(ops_of(graph), ElementsAre("Relu", "Identity", "Identity", "Relu"));
  for (const Node& node : graph.nodes) EXPECT_TRUE(graph.values.contains(node.outputs[0]));
  ASSERT_TRUE(infer_shapes(graph).ok());
  const auto after = run_reference(graph, inputs);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(before->at(i).data, after->at(i).data);
}

TEST(FoldConstants, LeavesAConstantOutputInPlace) {
  Graph graph = graph_with({{"Constant", "c", {}, {"y"}, {{"value_float", 1.5F}}}});
  ASSERT_TRUE(fold_constants(graph).ok());
  ASSERT_TRUE(infer_shapes(graph).ok());
  EXPECT_EQ(run_reference(graph, {iota({1, 2, 4, 4})})->at(0).f32()[0], 1.5F);
}

TEST(FoldConstants, RefusesADropoutInTraining) {
  Graph graph =
      graph_with({{"Dropout", "d", {"x", "", "on"}, {"a"}, {}}, {"Relu", "r", {"a"}, {"y"}, {}}});
  graph.weights["on"] = {DType::boolean, {}, Blob::copy_of("\x01")};
  const Status status = fold_constants(graph);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("Dropout 'd': training_mode"));
}

TEST(FoldConstants, LeavesUnknownOperatorsAndOpsetsToInferShapes) {
  Graph unknown = graph_with({{"Mystery", "m", {"w"}, {"a"}, {}}, {"Relu", "r", {"a"}, {"y"}, {}}});
  unknown.weights["w"] = iota({1});
  ASSERT_TRUE(fold_constants(unknown).ok());
  EXPECT_THAT(infer_error(unknown), HasSubstr("Mystery 'm': operator is not supported"));
  Graph old = graph_with({{"Relu", "q", {"w"}, {"a"}, {}}, {"Relu", "r", {"a"}, {"y"}, {}}});
  old.weights["w"] = iota({1});
  old.opset = 5;
  ASSERT_TRUE(fold_constants(old).ok());
  EXPECT_THAT(infer_error(old), HasSubstr("opset 5 is not supported"));
}

TEST(FoldConstants, NamesTheNodeThatCannotBeEvaluated) {
  Graph graph =
      graph_with({{"Reshape", "s", {"w", "t"}, {"a"}, {}}, {"Relu", "r", {"a"}, {"y"}, {}}});
  graph.weights["w"] = iota({3});
  graph.weights["t"] = Tensor::integers({1}, {2});
  EXPECT_THAT(fold_constants(graph).error().message, HasSubstr("Reshape 's': input 3 does not"));
}

// A few bytes that pad to gigabytes must not be evaluated.
TEST(FoldConstants, LeavesWhatWouldGrowBeyondItsBudget) {
  Graph graph =
      graph_with({{"Pad", "p", {"w", "pads"}, {"a"}, {}}, {"Relu", "r", {"a"}, {"y"}, {}}});
  graph.weights["w"] = iota({1});
  graph.weights["pads"] = Tensor::integers({2}, {0, 1 << 30});
  ASSERT_TRUE(fold_constants(graph).ok());
  EXPECT_THAT(ops_of(graph), ElementsAre("Pad", "Relu"));
}

TEST(CostOf, CountsMultiplyAddsAsTwoAndSharedWeightsOnce) {
  Graph graph = graph_with({{"Conv", "c1", {"x", "w", "b"}, {"a"}, {{"pads", Ints{1, 1, 1, 1}}}},
                            {"Conv", "c2", {"a", "w", "b"}, {"c"}, {}},
                            {"Reshape", "s", {"c", "target"}, {"y"}, {}}});
  graph.weights["w"] = iota({2, 2, 3, 3});
  graph.weights["b"] = iota({2});
  graph.weights["target"] = Tensor::integers({1}, {-1});
  ASSERT_TRUE(infer_shapes(graph).ok());
  const Cost whole = cost_of(graph);
  EXPECT_EQ(whole.parameters, 36 + 2);
  EXPECT_EQ(whole.weight_bytes, 4 * 38);
  EXPECT_EQ(whole.flops, 2 * (32 * 18) + 2 * (8 * 18));
  const Cost second = cost_of(graph, graph.nodes[1]);
  EXPECT_EQ(second.parameters, 38);
  EXPECT_EQ(second.flops, 2 * (8 * 18));
}

TEST(RunReference, ChecksItsInputs) {
  Graph graph = graph_with({{"Relu", "r", {"x"}, {"y"}, {}}});
  ASSERT_TRUE(infer_shapes(graph).ok());
  EXPECT_THAT(run_reference(graph, {}).error().message, HasSubstr("takes 1 inputs, 0 given"));
  EXPECT_THAT(run_reference(graph, {iota({2})}).error().message,
              HasSubstr("input 'x': it is float32 2, the model takes float32 1x2x4x4"));
  Tensor cut = iota({1, 2, 4, 4});
  cut.data = cut.data.slice(0, 8);
  EXPECT_THAT(run_reference(graph, {cut}).error().message, HasSubstr("there are 8"));
}

TEST(RunReference, ReadsAnInputThatIsAlsoAnOutput) {
  Graph graph = graph_with({{"Add", "a", {"x", "x"}, {"y"}, {}}}, {"y", "x"});
  ASSERT_TRUE(infer_shapes(graph).ok());
  const Tensor x = iota({1, 2, 4, 4});
  const auto outputs = run_reference(graph, {x});
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(outputs->at(0).f32()[3], 6);
  EXPECT_EQ(outputs->at(1).data, x.data);
}

}  // namespace
}  // namespace hyps::cnn::testing
