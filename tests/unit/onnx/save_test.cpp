#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "common/base/random.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/unit/onnx/messages.hpp"

namespace hyps::cnn {

bool operator==(const Tensor& a, const Tensor& b) {
  return a.type == b.type && a.shape == b.shape && a.data == b.data;
}
bool operator==(const Value& a, const Value& b) {
  return a.name == b.name && a.type == b.type && a.shape == b.shape;
}
bool operator==(const Node& a, const Node& b) {
  return a.op == b.op && a.name == b.name && a.inputs == b.inputs && a.outputs == b.outputs &&
         a.attributes == b.attributes;
}

}  // namespace hyps::cnn

namespace hyps::onnx::test {
namespace {

namespace fs = std::filesystem;

void expect_equal(const cnn::Graph& a, const cnn::Graph& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.opset, b.opset);
  EXPECT_TRUE(a.inputs == b.inputs);
  EXPECT_TRUE(a.outputs == b.outputs);
  EXPECT_TRUE(a.nodes == b.nodes);
  EXPECT_TRUE(a.weights == b.weights);
  EXPECT_TRUE(a.values == b.values);
}

cnn::Tensor random_floats(const cnn::Shape& shape, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
  for (float& value : values) value = random.uniform(-1, 1);
  return cnn::Tensor::floats(shape, std::move(values));
}

// A graph with large and small weights, every kind of attribute that operators here use, and an
// omitted optional input.
cnn::Graph mixed_graph() {
  using Integers = std::vector<std::int64_t>;
  cnn::Graph graph;
  graph.name = "mixed";
  graph.inputs = {{"x", cnn::DType::f32, {1, 3, 8, 8}}};
  graph.weights.emplace("k", random_floats({16, 3, 3, 3}, 1));   // 1728 bytes: external
  graph.weights.emplace("bias", random_floats({16}, 2));         // inside
  graph.weights.emplace("dense", random_floats({10, 1024}, 3));  // external
  graph.weights.emplace("six", cnn::Tensor::floats({}, {6}));
  graph.weights.emplace("to", cnn::Tensor::integers({2}, {1, -1}));
  graph.nodes = {{"Conv",
                  "conv",
                  {"x", "k", "bias"},
                  {"c"},
                  {{"pads", Integers{1, 1, 1, 1}}, {"auto_pad", std::string("NOTSET")}}},
                 {"Clip", "clip", {"c", "", "six"}, {"d"}, {}},
                 {"LeakyRelu", "leaky", {"d"}, {"e"}, {{"alpha", 0.25F}}},
                 {"Reshape", "flat", {"e", "to"}, {"f"}, {}},
                 {"Gemm", "fc", {"f", "dense"}, {"y"}, {{"transB", std::int64_t{1}}}}};
  graph.outputs = {{"y", cnn::DType::f32, {}}};
  EXPECT_THAT(cnn::infer_shapes(graph), Succeeds());
  return graph;
}

class Saving : public testing::Test {
 protected:
  [[nodiscard]] fs::path path(const char* name = "model.onnx") const {
    return folder_.path() / name;
  }
  [[nodiscard]] ModelProto saved() const {
    ModelProto model;
    std::ifstream stream(path(), std::ios::binary);
    EXPECT_TRUE(model.ParseFromIstream(&stream));
    return model;
  }

  TemporaryFolder folder_;
};

TEST_F(Saving, RoundTripsAGraph) {
  const cnn::Graph graph = mixed_graph();
  ASSERT_THAT(save(graph, path()), Succeeds());
  const auto back = load(path());
  ASSERT_THAT(back, Succeeds());
  expect_equal(graph, back.value());
}

TEST_F(Saving, LoadedFilesMayBeSavedOverThemselves) {
  ASSERT_THAT(save(mixed_graph(), path()), Succeeds());
  const auto first = load(path());
  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(save(first.value(), path()), Succeeds());
  const auto second = load(path());
  ASSERT_THAT(second, Succeeds());
  expect_equal(mixed_graph(), second.value());
  expect_equal(first.value(), second.value());
}

TEST_F(Saving, OnnxCheckerInCppAcceptsTheFile) {
  for (const int opset : {12, 13, 17}) {
    cnn::Graph graph = mixed_graph();
    graph.opset = opset;
    ASSERT_THAT(save(graph, path()), Succeeds());
    EXPECT_NO_THROW(::onnx::checker::check_model(path().string())) << opset;
  }
}

TEST_F(Saving, OnnxCheckerInPythonAcceptsTheFile) {
  const std::string python = "/usr/bin/python3 -c ";
  if (std::system((python + "'import onnx' 2>/dev/null").c_str()) != 0) {  // NOLINT: one thread
    GTEST_SKIP() << "python3-onnx is not installed";
  }
  ASSERT_THAT(save(mixed_graph(), path()), Succeeds());
  const std::string script =
      "\"import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)\" ";
  EXPECT_EQ(std::system((python + script + path().string()).c_str()), 0);  // NOLINT: one thread
}

TEST_F(Saving, WeightsFrom1KBAreExternalAndAligned) {
  const cnn::Graph graph = mixed_graph();
  ASSERT_THAT(save(graph, path(), "w.bin"), Succeeds());
  const ModelProto model = saved();
  int external = 0;
  for (const auto& weight : model.graph().initializer()) {
    const std::size_t size = graph.weights.at(weight.name()).data.size();
    const bool is_external = weight.data_location() == TensorProto::EXTERNAL;
    EXPECT_EQ(is_external, size >= 1024) << weight.name();
    if (!is_external) continue;
    ++external;
    EXPECT_EQ(weight.external_data(0).value(), "w.bin");
    EXPECT_EQ(std::stoul(weight.external_data(1).value()) % 4096, 0U);
    EXPECT_EQ(std::stoul(weight.external_data(2).value()), size);
  }
  EXPECT_EQ(external, 2);
  EXPECT_EQ(fs::file_size(path("w.bin")), 10U * 1024 * 4 + 1728);
}

TEST_F(Saving, AGraphOfSmallWeightsNeedsNoWeightsFile) {
  cnn::Graph graph;
  graph.name = "small";
  graph.inputs = {{"x", cnn::DType::f32, {2}}};
  graph.outputs = {{"y", cnn::DType::f32, {2}}};
  graph.nodes = {{"Relu", "r", {"x"}, {"y"}, {}}};
  ASSERT_THAT(save(graph, path()), Succeeds());
  EXPECT_FALSE(fs::exists(path("weights.bin")));
}

TEST_F(Saving, StatesOpsetProducerAndShapes) {
  ASSERT_THAT(save(mixed_graph(), path()), Succeeds());
  const ModelProto model = saved();
  EXPECT_EQ(model.ir_version(), 8);
  EXPECT_EQ(model.producer_name(), "hyps");
  EXPECT_EQ(model.opset_import(0).version(), 13);
  const auto& shape = model.graph().output(0).type().tensor_type().shape();
  ASSERT_EQ(shape.dim_size(), 2);
  EXPECT_EQ(shape.dim(1).dim_value(), 10);
}

TEST_F(Saving, EqualGraphsGiveEqualBytes) {
  fs::create_directory(path("a"));
  fs::create_directory(path("b"));
  ASSERT_THAT(save(mixed_graph(), path("a") / "m.onnx"), Succeeds());
  ASSERT_THAT(save(mixed_graph(), path("b") / "m.onnx"), Succeeds());
  for (const char* name : {"m.onnx", "weights.bin"}) {
    EXPECT_EQ(map_file(path("a") / name).value(), map_file(path("b") / name).value()) << name;
  }
}

TEST_F(Saving, RefusesAFolderThatIsNotThereAndLeavesNothing) {
  EXPECT_THAT(save(mixed_graph(), path("none") / "m.onnx"), FailsWith(ErrorKind::io, "none"));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Saving, RefusesAWeightsNameThatIsAPath) {
  for (const char* name : {"", "..", "../w.bin", "/tmp/w.bin"}) {
    EXPECT_THAT(save(mixed_graph(), path(), name), FailsWith(ErrorKind::invalid, "weights file"));
  }
}

TEST_F(Saving, LeavesNoTemporaryFilesBehind) {
  ASSERT_THAT(save(mixed_graph(), path()), Succeeds());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator{}), 2);
}

class SavedZoo : public Saving, public testing::WithParamInterface<std::string> {};

TEST_P(SavedZoo, RoundTripsAndPassesTheChecker) {
  const auto graph = zoo::make(GetParam(), 1);
  ASSERT_THAT(graph, Succeeds());
  ASSERT_THAT(save(graph.value(), path()), Succeeds());
  EXPECT_NO_THROW(::onnx::checker::check_model(path().string()));
  const auto back = load(path());
  ASSERT_THAT(back, Succeeds());
  expect_equal(graph.value(), back.value());
}

INSTANTIATE_TEST_SUITE_P(Zoo, SavedZoo,
                         testing::Values("googlenet", "mobilenet_v2", "resnet18", "squeezenet1_1",
                                         "vgg16"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace hyps::onnx::test
