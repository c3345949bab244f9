#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

using testing::ElementsAre;

std::vector<float> floats(const cnn::Tensor& tensor) {
  const auto values = tensor.f32();
  return {values.begin(), values.end()};
}

GivenInputs with_shape(cnn::Shape shape) {
  GivenInputs given;
  given.shape = std::move(shape);
  return given;
}

GivenInputs with_shape_of_x(cnn::Shape shape) {
  GivenInputs given;
  given.shapes["x"] = std::move(shape);
  return given;
}

GivenInputs with_constants(std::map<std::string, cnn::Tensor> constants) {
  GivenInputs given;
  given.constants = std::move(constants);
  return given;
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
  EXPECT_THAT(load_model(model),
              FailsWith(ErrorKind::invalid,
                        "input 'x': its shape [1, width] is left open; say how large it is, as in "
                        "--input x=1x224"));
}

TEST_F(Loading, AnInputShapeFixesWhatIsOpenAndContradictsNothing) {
  ModelProto model = small_model();
  auto& type = *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  type.mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  type.mutable_shape()->mutable_dim(1)->set_dim_param("width");
  auto graph = load_model(model, with_shape({3, 4}));
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{3, 4}));
  EXPECT_EQ(graph->outputs[0].shape, (cnn::Shape{3, 4}));
  EXPECT_THAT(
      load_model(model, with_shape({3, 4, 1})),
      FailsWith(ErrorKind::invalid, "its shape is [batch, width], and cannot be made 3x4x1"));
  type.mutable_shape()->mutable_dim(1)->set_dim_value(4);
  EXPECT_THAT(load_model(model, with_shape_of_x({1, 5})),
              FailsWith(ErrorKind::invalid, "its shape is [batch, 4], and cannot be made 1x5"));
  type.clear_shape();
  EXPECT_THAT(load_model(model), FailsWith(ErrorKind::invalid, "--input x=1x3x224x224"));
  graph = load_model(model, with_shape({1, 4}));
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{1, 4}));
}

// x + w, and x * s: two inputs, the second of one element.
ModelProto two_inputs() {
  ModelProto model = small_model();
  add_value(*model.mutable_graph()->mutable_input(), "s", {1});
  add_node(model, "Mul", {"y", "s"}, "scaled");
  add_value(*model.mutable_graph()->mutable_output(), "scaled", {1, 4});
  return model;
}

TEST_F(Loading, AnInputThatIsFixedBecomesAWeight) {
  const ModelProto model = two_inputs();
  EXPECT_EQ(load_model(model)->inputs.size(), 2U);
  const cnn::Tensor scale = cnn::Tensor::floats({1}, {3});
  const auto graph = load_model(model, with_constants({{"s", scale}}));
  ASSERT_THAT(graph, Succeeds());
  ASSERT_EQ(graph->inputs.size(), 1U);
  EXPECT_EQ(graph->inputs[0].name, "x");
  EXPECT_EQ(graph->weights.at("s").data, scale.data);
  const auto outputs = cnn::run_reference(*graph, {cnn::Tensor::floats({1, 4}, {0, 0, 0, -9})});
  ASSERT_THAT(outputs, Succeeds());
  EXPECT_THAT(outputs->at(1).f32(), testing::ElementsAre(3, 6, 9, 0));
}

TEST_F(Loading, WhatIsFixedMustBeAnInputAndFit) {
  const ModelProto model = two_inputs();
  const auto fixed = [&](const std::string& name, const cnn::Tensor& tensor) {
    return load_model(model, with_constants({{name, tensor}}));
  };
  const cnn::Tensor one = cnn::Tensor::floats({1}, {3});
  EXPECT_THAT(fixed("t", one),
              FailsWith(ErrorKind::invalid,
                        "there is no input 't'; the model's inputs are 'x' [1, 4], "
                        "'s' [1]"));
  EXPECT_THAT(fixed("w", one), FailsWith(ErrorKind::invalid, "there is no input 'w'"));
  EXPECT_THAT(fixed("s", cnn::Tensor::floats({2}, {3, 4})),
              FailsWith(ErrorKind::invalid, "input 's': its shape is [1], and cannot be made 2"));
  EXPECT_THAT(fixed("s", cnn::Tensor::integers({1}, {3})),
              FailsWith(ErrorKind::invalid, "save that as float32"));
  const cnn::Tensor four = cnn::Tensor::floats({1, 4}, {1, 2, 3, 4});
  EXPECT_THAT(load_model(model, with_constants({{"s", one}, {"x", four}})),
              FailsWith(ErrorKind::invalid, "every input is fixed"));
}

TEST_F(Loading, AShapeWithoutANameIsOfTheInputThatIsOpen) {
  ModelProto model = two_inputs();
  EXPECT_THAT(load_model(model, with_shape({1, 4})),
              FailsWith(ErrorKind::invalid,
                        "which input has the shape 1x4? Name it, as in --input "
                        "x=1x4"));
  auto& type = *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  type.mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  const auto graph = load_model(model, with_shape({2, 4}));
  ASSERT_THAT(graph, Succeeds());
  EXPECT_EQ(graph->inputs[0].shape, (cnn::Shape{2, 4}));
  EXPECT_EQ(graph->inputs[1].shape, (cnn::Shape{1}));
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
