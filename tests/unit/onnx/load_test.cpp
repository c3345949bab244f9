#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

using testing::ElementsAre;

std::vector<float> floats(const cnn::Tensor& tensor) {
  const auto values = tensor.f32();
  return {values.begin(), values.end()};
}

TEST_F(Loading, ReadsNodesWeightsInputsAndOutputs) {
  const auto graph = load_model(small_model());
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->name, "test");
  EXPECT_EQ(graph->opset, 13);
  ASSERT_EQ(graph->inputs.size(), 1U);
  EXPECT_EQ(graph->inputs[0].name, "x");
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{1, 4}));
  ASSERT_EQ(graph->outputs.size(), 1U);
  EXPECT_EQ(graph->outputs[0].shape, (cnn::Shape{1, 4}));
  ASSERT_EQ(graph->nodes.size(), 2U);
  EXPECT_EQ(graph->nodes[0].op, "Add");
  EXPECT_EQ(graph->nodes[1].op, "Relu");
  EXPECT_THAT(floats(graph->weights.at("w")), ElementsAre(1, 2, 3, 4));
}

TEST_F(Loading, RunsWhatItRead) {
  const auto graph = load_model(small_model());
  ASSERT_THAT(graph, Succeeds());
  const auto result =
      cnn::run_reference(graph.value(), {cnn::Tensor::floats({1, 4}, {-2, -2, -2, -2})});
  ASSERT_THAT(result, Succeeds());
  EXPECT_THAT(floats(result->at(0)), ElementsAre(0, 0, 1, 2));
}

TEST_F(Loading, ReadsWeightsFromTypedFields) {
  ModelProto model = small_model();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  weight.clear_raw_data();
  for (const float value : {5.F, 6.F, 7.F, 8.F}) weight.add_float_data(value);
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_THAT(floats(graph->weights.at("w")), ElementsAre(5, 6, 7, 8));
}

TEST_F(Loading, AnInitializerThatIsAlsoAnInputIsAWeight) {
  ModelProto model = small_model();
  model.set_ir_version(3);
  add_value(*model.mutable_graph()->mutable_input(), "w", {4});
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs.size(), 1U);
  EXPECT_TRUE(graph->is_weight("w"));
}

TEST_F(Loading, TakesASymbolicBatchAsOne) {
  ModelProto model = small_model();
  auto& shape = *model.mutable_graph()
                     ->mutable_input(0)
                     ->mutable_type()
                     ->mutable_tensor_type()
                     ->mutable_shape();
  shape.mutable_dim(0)->set_dim_param("batch");
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{1, 4}));
}

TEST_F(Loading, RefusesAnyOtherDynamicDimensionByName) {
  ModelProto model = small_model();
  auto& shape = *model.mutable_graph()
                     ->mutable_input(0)
                     ->mutable_type()
                     ->mutable_tensor_type()
                     ->mutable_shape();
  shape.mutable_dim(1)->set_dim_param("width");
  EXPECT_THAT(load_model(model), FailsWith(ErrorKind::invalid, "dimension 1 ('width') is open"));
}

TEST_F(Loading, AnInputShapeFixesWhatIsOpenAndContradictsNothing) {
  ModelProto model = small_model();
  auto& type = *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  type.mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  type.mutable_shape()->mutable_dim(1)->set_dim_param("width");
  auto graph = load_model(model, {3, 4});
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{3, 4}));
  EXPECT_EQ(graph->outputs[0].shape, (cnn::Shape{3, 4}));
  EXPECT_THAT(load_model(model, {3, 4, 1}),
              FailsWith(ErrorKind::invalid, "has 2 dimensions, and cannot be 3x4x1"));
  type.mutable_shape()->mutable_dim(1)->set_dim_value(4);
  EXPECT_THAT(load_model(model, {1, 5}),
              FailsWith(ErrorKind::invalid, "dimension 1 is 4, and cannot be made 5"));
  type.clear_shape();
  EXPECT_THAT(load_model(model), FailsWith(ErrorKind::invalid, "--input-shape"));
  graph = load_model(model, {1, 4});
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{1, 4}));
}

TEST_F(Loading, SortsNodesAndKeepsASortedOrder) {
  ModelProto model = small_model();
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->nodes[0].op, "Add");
  EXPECT_EQ(graph->nodes[1].op, "Relu");
}

TEST_F(Loading, MakesNodeNamesUnique) {
  ModelProto model = small_model();
  add_node(model, "Relu", {"y"}, "z").set_name("same");
  add_node(model, "Relu", {"z"}, "end").set_name("same");
  add_node(model, "Relu", {"end"}, "last").set_name("same_2");
  add_value(*model.mutable_graph()->mutable_output(), "last", {1, 4});
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  std::vector<std::string> names;
  for (const auto& node : graph->nodes) names.push_back(node.name);
  EXPECT_THAT(names, ElementsAre("Add_0", "Relu_1", "same", "same_3", "same_2"));
}

TEST_F(Loading, NamesAnUnnamedGraphAfterItsFile) {
  ModelProto model = small_model();
  model.mutable_graph()->clear_name();
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->name, "model");
}

TEST_F(Loading, IgnoresAnUnusedImportOfAnotherDomain) {
  ModelProto model = small_model();
  auto& import = *model.add_opset_import();
  import.set_domain("ai.onnx.ml");
  import.set_version(2);
  EXPECT_THAT(load_model(model), Succeeds());
}

TEST_F(Loading, AcceptsEveryOpsetFrom7To17AndNoOther) {
  for (int opset = 7; opset <= 17; ++opset) {
    ModelProto model = small_model();
    model.mutable_opset_import(0)->set_version(opset);
    EXPECT_THAT(load_model(model), Succeeds()) << opset;
  }
  for (const int opset : {-1, 0, 6, 18, 1'000'000}) {
    ModelProto model = small_model();
    model.mutable_opset_import(0)->set_version(opset);
    EXPECT_THAT(load_model(model), FailsWith(ErrorKind::unsupported, "7 to 17")) << opset;
  }
}

TEST_F(Loading, ReshapesByAConstantNode) {
  ModelProto model = empty_model();
  add_value(*model.mutable_graph()->mutable_input(), "x", {1, 2, 3});
  add_value(*model.mutable_graph()->mutable_output(), "y", {1, 6});
  auto& attribute = *add_node(model, "Constant", {}, "shape").add_attribute();
  attribute.set_name("value");
  attribute.set_type(::onnx::AttributeProto::TENSOR);
  attribute.mutable_t()->set_data_type(TensorProto::INT64);
  attribute.mutable_t()->add_dims(2);
  attribute.mutable_t()->add_int64_data(1);
  attribute.mutable_t()->add_int64_data(-1);
  add_node(model, "Reshape", {"x", "shape"}, "y");
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->outputs[0].shape, (cnn::Shape{1, 6}));
  EXPECT_EQ(graph->nodes.size(), 1U);
}

TEST_F(Loading, ShortcutsIdentityNodes) {
  ModelProto model = small_model();
  add_node(model, "Identity", {"y"}, "same");
  add_node(model, "Relu", {"same"}, "end");
  add_value(*model.mutable_graph()->mutable_output(), "end", {1, 4});
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->nodes.size(), 3U);
}

}  // namespace
}  // namespace hyps::onnx::test
