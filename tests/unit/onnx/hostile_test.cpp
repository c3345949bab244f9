// Nothing a stranger's file holds may crash the importer: it gets a message that helps.
#include <functional>
#include <limits>

#include "common/base/random.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

TEST_F(Loading, RefusesAMissingFile) {
  EXPECT_THAT(load(path()), FailsWith(ErrorKind::not_found, "model.onnx"));
}

TEST_F(Loading, RefusesAFolder) {
  EXPECT_THAT(load(folder_.path()), FailsWith(ErrorKind::invalid, "is no file"));
}

TEST_F(Loading, RefusesAnEmptyFile) {
  EXPECT_THAT(load_bytes(""), FailsWith(ErrorKind::invalid, "is empty"));
}

TEST_F(Loading, RefusesWhatIsNoOnnxFile) {
  EXPECT_THAT(load_bytes("\x89PNG\r\n\x1a\n and so on"), FailsWith(ErrorKind::invalid, "ONNX"));
}

TEST_F(Loading, RefusesAMessageWithoutGraph) {
  EXPECT_THAT(load_bytes(std::string("\x08\x08", 2)), FailsWith(ErrorKind::invalid, "no graph"));
}

TEST_F(Loading, RefusesEveryTruncation) {
  const std::string bytes = small_model().SerializeAsString();
  // The header written first may make a prefix a complete message; it still lacks what follows.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(load_bytes(bytes.substr(0, size)).ok()) << size;
  }
}

// Up to three bytes of `bytes` replaced.
std::string damaged(std::string bytes, Random& random) {
  for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips) {
    bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
  }
  return bytes;
}

TEST_F(Loading, SurvivesDamagedBytes) {
  const std::string bytes = small_model().SerializeAsString();
  Random random(7);
  for (int round = 0; round < 3000; ++round) {
    const auto graph = load_bytes(damaged(bytes, random));
    EXPECT_TRUE(graph.ok() || !graph.error().message.empty());
  }
}

TEST_F(Loading, SurvivesDamagedBytesOfARealNetwork) {
  const auto network = zoo::make("mobilenet_v2", 1);
  ASSERT_THAT(network, Succeeds());
  ASSERT_THAT(save(network.value(), path()), Succeeds());
  const std::string bytes(map_file(path()).value().text());
  Random random(8);
  for (int round = 0; round < 500; ++round) {
    const auto graph = load_bytes(damaged(bytes, random));
    EXPECT_TRUE(graph.ok() || !graph.error().message.empty());
  }
}

// Each case damages the small model in one way and says what the message must contain.
struct Damage {
  const char* name;
  std::function<void(ModelProto&)> apply;
  ErrorKind kind;
  const char* message;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

TensorProto& weight(ModelProto& model) { return *model.mutable_graph()->mutable_initializer(0); }
::onnx::NodeProto& node(ModelProto& model, int index) {
  return *model.mutable_graph()->mutable_node(index);
}
::onnx::TensorShapeProto& input_shape(ModelProto& model) {
  return *model.mutable_graph()
              ->mutable_input(0)
              ->mutable_type()
              ->mutable_tensor_type()
              ->mutable_shape();
}
::onnx::AttributeProto& attribute(ModelProto& model, const char* name,
                                  ::onnx::AttributeProto::AttributeType type) {
  auto& proto = *node(model, 0).add_attribute();
  proto.set_name(name);
  proto.set_type(type);
  return proto;
}

constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();

const std::vector<Damage>& damages() {
  static const std::vector<Damage> list{
      {"IrVersionTooOld", [](ModelProto& m) { m.set_ir_version(1); }, ErrorKind::unsupported,
       "IR version 1"},
      {"NoOpset", [](ModelProto& m) { m.clear_opset_import(); }, ErrorKind::unsupported,
       "imports no version"},
      {"TwoOpsets", [](ModelProto& m) { m.add_opset_import()->set_version(12); },
       ErrorKind::invalid, "imported twice, as 13 and 12"},
      {"UnknownDomain", [](ModelProto& m) { node(m, 0).set_domain("com.example"); },
       ErrorKind::unsupported, "Add of domain 'com.example'"},
      {"UnknownOperator", [](ModelProto& m) { node(m, 1).set_op_type("Einsum"); },
       ErrorKind::unsupported, "operator Einsum (node '-> y'); supported are: Abs"},
      {"Quantised", [](ModelProto& m) { node(m, 1).set_op_type("DequantizeLinear"); },
       ErrorKind::unsupported,
       "the model is quantised (DequantizeLinear in node '-> y'), and hyps computes in float32"},
      {"QuantisedByAnExtension",
       [](ModelProto& m) {
         node(m, 0).set_op_type("QLinearConv");
         node(m, 0).set_domain("com.microsoft");
       },
       ErrorKind::unsupported, "the model is quantised (QLinearConv"},
      {"Functions", [](ModelProto& m) { m.add_functions()->set_name("f"); }, ErrorKind::unsupported,
       "functions are not supported"},
      {"SparseWeights", [](ModelProto& m) { m.mutable_graph()->add_sparse_initializer(); },
       ErrorKind::unsupported, "sparse initializers"},
      {"Subgraph",
       [](ModelProto& m) {
         node(m, 0).set_op_type("If");
         attribute(m, "then_branch", ::onnx::AttributeProto::GRAPH);
       },
       ErrorKind::unsupported, "operator If"},
      {"FunctionAttribute",
       [](ModelProto& m) {
         attribute(m, "axis", ::onnx::AttributeProto::INT).set_ref_attr_name("a");
       },
       ErrorKind::invalid, "refers to a function's attribute"},
      {"UnknownAttribute",
       [](ModelProto& m) { attribute(m, "colour", ::onnx::AttributeProto::INT).set_i(1); },
       ErrorKind::invalid, "colour"},
      {"TooManyInputs", [](ModelProto& m) { node(m, 0).add_input("w"); }, ErrorKind::invalid,
       "Add '-> sum'"},
      {"TooFewInputs", [](ModelProto& m) { node(m, 0).mutable_input()->RemoveLast(); },
       ErrorKind::invalid, "Add '-> sum'"},
      {"UndefinedInput", [](ModelProto& m) { node(m, 1).set_input(0, "ghost"); },
       ErrorKind::invalid, "its input 'ghost' is defined nowhere"},
      {"Cycle", [](ModelProto& m) { node(m, 0).set_input(0, "y"); }, ErrorKind::invalid,
       "(a cycle)"},
      {"SelfCycle", [](ModelProto& m) { node(m, 1).set_input(0, "y"); }, ErrorKind::invalid,
       "Relu 'Relu_1': it needs, through other nodes, its own output"},
      {"NoOutputs", [](ModelProto& m) { m.mutable_graph()->clear_output(); }, ErrorKind::invalid,
       "has no output"},
      {"OutputComputedByNobody",
       [](ModelProto& m) { m.mutable_graph()->mutable_output(0)->set_name("ghost"); },
       ErrorKind::invalid, "the output 'ghost' is computed by no node"},
      {"OutputTwice",
       [](ModelProto& m) {
         add_value(*m.mutable_graph()->mutable_output(), "y", {1, 4});
       },
       ErrorKind::invalid, "'y' is listed twice"},
      {"ValueTwice", [](ModelProto& m) { add_node(m, "Relu", {"x"}, "y"); }, ErrorKind::invalid,
       "its output 'y' is defined elsewhere"},
      {"ValueNamedLikeAWeight", [](ModelProto& m) { node(m, 0).set_output(0, "w"); },
       ErrorKind::invalid, "its output 'w' is defined elsewhere"},
      {"InputTwice",
       [](ModelProto& m) {
         add_value(*m.mutable_graph()->mutable_input(), "x", {1, 4});
       },
       ErrorKind::invalid, "'x' is defined twice"},
      {"WeightTwice", [](ModelProto& m) { set_raw(add_weight(m, "w", {1}), {1}); },
       ErrorKind::invalid, "'w' is defined twice"},
      {"WeightWithoutName", [](ModelProto& m) { weight(m).clear_name(); }, ErrorKind::invalid,
       "a weight has no name"},
      {"NoRawData", [](ModelProto& m) { weight(m).clear_raw_data(); }, ErrorKind::invalid,
       "weight 'w': the tensor of shape 4 and type float32 needs 16 bytes, the file gives 0"},
      {"RawDataTooShort",
       [](ModelProto& m) {
         set_raw(weight(m), {1, 2, 3});
       },
       ErrorKind::invalid, "the file gives 12 bytes"},
      {"RawDataTooLong",
       [](ModelProto& m) {
         set_raw(weight(m), {1, 2, 3, 4, 5});
       },
       ErrorKind::invalid, "the file gives 20 bytes"},
      {"DataTwice", [](ModelProto& m) { weight(m).add_float_data(1); }, ErrorKind::invalid,
       "has its values twice"},
      {"DataInTheWrongField",
       [](ModelProto& m) {
         weight(m).clear_raw_data();
         for (int i = 0; i < 4; ++i) weight(m).add_int64_data(i);
       },
       ErrorKind::invalid, "the file gives 0 values"},
      {"AbsurdWeightDimension", [](ModelProto& m) { weight(m).set_dims(0, huge); },
       ErrorKind::invalid, "more than the 4294967296 elements allowed"},
      {"OverflowingWeightDimensions",
       [](ModelProto& m) {
         weight(m).clear_dims();
         for (int i = 0; i < 5; ++i) weight(m).add_dims(std::int64_t{1} << 16U);
       },
       ErrorKind::invalid, "elements allowed"},
      {"NegativeWeightDimension", [](ModelProto& m) { weight(m).set_dims(0, -4); },
       ErrorKind::invalid, "negative somewhere"},
      {"HugeRank",
       [](ModelProto& m) {
         for (int i = 0; i < 1000; ++i) weight(m).add_dims(1);
       },
       ErrorKind::invalid, "dimensions are more than"},
      {"AbsurdInputDimension",
       [](ModelProto& m) { input_shape(m).mutable_dim(1)->set_dim_value(huge); },
       ErrorKind::invalid, "input 'x'"},
      {"NegativeInputDimension",
       [](ModelProto& m) { input_shape(m).mutable_dim(1)->set_dim_value(-1); }, ErrorKind::invalid,
       "its shape [1, ?] is left open"},
      {"InputWithoutShape",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
       },
       ErrorKind::invalid, "input 'x': it has no shape"},
      {"InputThatIsASequence",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type();
       },
       ErrorKind::unsupported, "input 'x': it is no tensor"},
      {"InputOfUnsupportedType",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
             TensorProto::DOUBLE);
       },
       ErrorKind::unsupported, "element type DOUBLE is not supported; supported are: FLOAT"},
      {"WeightOfUnknownType", [](ModelProto& m) { weight(m).set_data_type(99); },
       ErrorKind::unsupported, "element type number 99"},
      {"Segments", [](ModelProto& m) { weight(m).mutable_segment(); }, ErrorKind::unsupported,
       "segments"},
      {"ShapesThatDoNotFit", [](ModelProto& m) { input_shape(m).mutable_dim(1)->set_dim_value(5); },
       ErrorKind::invalid, "Add 'Add_0'"},
      {"NameWithControlCharacters", [](ModelProto& m) { node(m, 0).set_name("a\nb"); },
       ErrorKind::invalid, "node name is no readable text"},
      {"NameThatIsNoUtf8", [](ModelProto& m) { node(m, 1).set_output(0, "\xff\xfe"); },
       ErrorKind::invalid, "value name is no readable text"},
      {"EndlessName",
       [](ModelProto& m) { m.mutable_graph()->set_name(std::string(1 << 20U, 'a')); },
       ErrorKind::invalid, "more than the 1024 allowed"},
  };
  return list;
}

class DamagedModel : public Loading, public testing::WithParamInterface<Damage> {};

TEST_P(DamagedModel, IsRefusedWithAClearMessage) {
  ModelProto model = small_model();
  GetParam().apply(model);
  const auto graph = load_model(model);
  EXPECT_THAT(graph, FailsWith(GetParam().kind, GetParam().message));
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(graph.error().message, testing::StartsWith(path().string()));
}

INSTANTIATE_TEST_SUITE_P(Hostile, DamagedModel, testing::ValuesIn(damages()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(Loading, RefusesMoreNodesThanItsBound) {
  ModelProto model = small_model();
  for (int i = 0; i < 100'001; ++i) add_node(model, "Relu", {"y"}, "v" + std::to_string(i));
  EXPECT_THAT(load_model(model), FailsWith(ErrorKind::invalid, "100003 nodes are more than"));
}

TEST_F(Loading, RefusesAnAttributeThatIsASubgraphOfASupportedOperator) {
  ModelProto model = small_model();
  attribute(model, "body", ::onnx::AttributeProto::GRAPH);
  EXPECT_FALSE(load_model(model).ok());
}

TEST_F(Loading, RefusesAnAttributeOfTheWrongKind) {
  ModelProto model = small_model();
  auto& softmax = add_node(model, "Softmax", {"y"}, "z");
  auto& axis = *softmax.add_attribute();
  axis.set_name("axis");
  axis.set_type(::onnx::AttributeProto::FLOAT);
  axis.set_f(1);
  add_value(*model.mutable_graph()->mutable_output(), "z", {1, 4});
  EXPECT_THAT(load_model(model), FailsWith(ErrorKind::invalid, "Softmax '-> z'"));
}

}  // namespace
}  // namespace hyps::onnx::test
