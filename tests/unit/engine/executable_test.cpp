// Whole graphs: memory, errors, determinism and concurrency.
#include <omp.h>

#include <thread>

#include "common/zoo/zoo.hpp"
#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

const Attributes kSame{{"pads", Ints{1, 1, 1, 1}}};

Net residual_net(std::uint64_t seed, std::int64_t side = 12) {
  Net net(seed);
  auto x = net.add("Relu", {net.conv(net.input({1, 3, side, side}), {64, 3, 3, 3}, kSame)});
  for (int block = 0; block < 3; ++block) {
    auto y = net.add("Relu", {net.norm(net.conv(x, {64, 64, 3, 3}, kSame, false), 64)});
    y = net.norm(net.conv(y, {64, 64, 3, 3}, kSame, false), 64);
    x = net.add("Relu", {net.add("Add", {y, x})});
  }
  const auto pooled = net.add("Flatten", {net.add("GlobalAveragePool", {x})});
  net.output(net.add("Gemm", {pooled, net.weight({1000, 64}), net.weight({1000})},
                     {{"transB", std::int64_t{1}}}));
  return net;
}

// Branches of different length whose results meet late, so that buffers are reused around them.
Net branching_net(std::uint64_t seed) {
  Net net(seed);
  auto& random = net.random();
  std::vector<std::string> live{net.input({1, 8, 10, 10})};
  for (int i = 0; i < 20; ++i) {
    const auto& a = live[random.below(live.size())];
    const auto& b = live[random.below(live.size())];
    switch (random.below(5)) {
      case 0:
        live.push_back(net.conv(a, {8, 8, 3, 3}, kSame));
        break;
      case 1:
        live.push_back(net.add("Add", {a, b}));
        break;
      case 2:
        live.push_back(
            net.conv(net.add("Concat", {a, b}, {{"axis", std::int64_t{1}}}), {8, 16, 1, 1}));
        break;
      case 3:
        live.push_back(net.add("Softmax", {a}, {{"axis", std::int64_t{1}}}));
        break;
      default:
        live.push_back(net.add(
            "Reshape",
            {net.add("Flatten", {a}), net.constant(cnn::Tensor::integers({4}, {1, 8, 10, 10}))}));
    }
  }
  for (int i = 0; i < 3; ++i) net.output(live[live.size() - 1 - random.below(10)]);
  return net;
}

TEST(Executable, BranchingGraphsReuseMemoryWithoutLosingValues) {
  auto engine = make_onednn_engine(2);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto net = branching_net(seed);
    const auto graph = net.graph();
    if (!graph.ok()) continue;  // the same output drawn twice
    expect_like_reference(*engine, *graph, net.inputs());
    if (HasFailure()) return;
  }
}

TEST(Executable, DeepStackNeedsLittleMoreMemoryThanItsWeightsAndTwoMaps) {
  Net net(1);
  auto x = net.input({1, 16, 64, 64});
  for (int i = 0; i < 20; ++i) x = net.conv(x, {16, 16, 3, 3}, kSame);
  net.output(x);
  auto executable = make_onednn_engine(1)->compile(*net.graph());
  ASSERT_TRUE(executable.ok());
  const std::size_t map = 16 * 64 * 64 * sizeof(float);
  const std::size_t weights = 20 * (16 * 16 * 9 + 16) * sizeof(float);
  EXPECT_GE((*executable)->resident_bytes(), weights + 2 * map);
  EXPECT_LE((*executable)->resident_bytes(), weights + 3 * map + (std::size_t{1} << 20U));
}

TEST(Executable, LargePlainWeightsAreNotCopied) {
  Net net(1);
  const auto weights = random_tensor(net.random(), {512, 1024});
  const auto x = net.input({1, 1024});
  net.output(net.add("Gemm", {x, net.constant(weights)}, {{"transB", std::int64_t{1}}}));
  const auto graph = *net.graph();
  auto executable = make_onednn_engine(1)->compile(graph);
  ASSERT_TRUE(executable.ok());
  EXPECT_GE((*executable)->resident_bytes(), weights.data.size());
  EXPECT_LE((*executable)->resident_bytes(), weights.data.size() + 16384);
}

TEST(Executable, OutlivesTheGraphAndTheEngine) {
  auto net = residual_net(1);
  const auto inputs = net.inputs();
  const auto expected = cnn::run_reference(*net.graph(), net.inputs()).ok();
  ASSERT_TRUE(expected);
  std::unique_ptr<Executable> executable;
  {
    auto graph = std::make_unique<cnn::Graph>(*net.graph());
    auto engine = make_onednn_engine(2);
    executable = std::move(*engine->compile(*graph));
  }
  const auto first = executable->run(net.inputs());
  ASSERT_TRUE(first.ok()) << first.error().message;
}

TEST(Executable, WrongInputsAreRefusedWithTheirNames) {
  auto net = residual_net(1);
  const auto graph = *net.graph();
  for (const auto& engine : {make_onednn_engine(1), make_reference_engine()}) {
    auto executable = *engine->compile(graph);
    EXPECT_EQ(executable->run({}).error().kind, ErrorKind::invalid);
    const auto wrong = cnn::Tensor::floats({1, 3, 2, 2}, std::vector<float>(12));
    const auto refused = executable->run({wrong});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message,
              "input 'in0' must be float32 1x3x12x12, not float32 1x3x2x2");
    auto torn = net.inputs();
    torn[0].data = torn[0].data.slice(0, 8);
    EXPECT_EQ(executable->run(torn).error().kind, ErrorKind::invalid);
    EXPECT_TRUE(executable->run(net.inputs()).ok());
  }
}

TEST(Executable, UnknownOperatorIsUnsupported) {
  cnn::Graph graph;
  graph.nodes.push_back({"Frobnicate", "f", {}, {"y"}, {}});
  const auto refused = make_onednn_engine(1)->compile(graph);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unsupported);
}

TEST(Executable, InputsAndOutputsMayBeTheSameValue) {
  Net net(1);
  const auto x = net.input({1, 2, 3, 4});
  net.output(x);
  net.output(net.add("Flatten", {x}));
  const auto inputs = net.inputs();
  auto engine = make_onednn_engine(2);
  const auto outputs = run_with(*engine, *net.graph(), inputs);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_TRUE(outputs[0].data == inputs[0].data);
  EXPECT_TRUE(outputs[1].data == inputs[0].data);
}

TEST(Executable, InputsOfARunAreNeverWritten) {
  auto net = branching_net(4);
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  const auto copy = inputs[0].data.text();
  const std::string before(copy);
  auto engine = make_onednn_engine(2);
  run_with(*engine, graph, inputs);
  EXPECT_EQ(before, inputs[0].data.text());
}

// The promise that voting stands on.
void expect_same_bits_for_any_threads(const cnn::Graph& graph,
                                      const std::vector<cnn::Tensor>& inputs) {
  std::vector<cnn::Tensor> expected;
  for (const int threads : {1, 2, 3, 4, 8}) {
    auto engine = make_onednn_engine(threads);
    auto executable = engine->compile(graph);
    ASSERT_TRUE(executable.ok()) << executable.error().message;
    for (int run = 0; run < 2; ++run) {
      const auto outputs = (*executable)->run(inputs);
      ASSERT_TRUE(outputs.ok()) << outputs.error().message;
      if (expected.empty()) expected = *outputs;
      EXPECT_TRUE(same_bits(*outputs, expected)) << threads << " threads, run " << run;
    }
  }
}

TEST(Determinism, ThreadsDoNotChangeBitsOfSmallNets) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto net = seed % 2 == 0 ? residual_net(seed) : branching_net(seed);
    const auto graph = net.graph();
    if (graph.ok()) expect_same_bits_for_any_threads(*graph, net.inputs());
  }
}

// Layers of VGG16, whole nets of which would be too slow here.
TEST(Determinism, ThreadsDoNotChangeBitsOfHeavyLayers) {
  Net net(1);
  const auto x = net.input({1, 256, 28, 28});
  const auto y = net.conv(x, {512, 256, 3, 3}, kSame);
  const auto pooled =
      net.add("MaxPool", {y}, {{"kernel_shape", Ints{4, 4}}, {"strides", Ints{4, 4}}});
  const auto flat = net.add("Flatten", {pooled});
  net.output(net.add("Gemm", {flat, net.weight({300, 25088}), net.weight({300})},
                     {{"transB", std::int64_t{1}}}));
  expect_same_bits_for_any_threads(*net.graph(), net.inputs());
}

class ZooNet : public testing::TestWithParam<const char*> {};

TEST_P(ZooNet, ThreadsAndRunsDoNotChangeBits) {
  const auto graph = zoo::make(GetParam(), 7);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  Random random(1);
  expect_same_bits_for_any_threads(*graph, {random_tensor(random, graph->inputs[0].shape)});
}

TEST_P(ZooNet, FusionStaysWithinTolerance) {
  const auto graph = zoo::make(GetParam(), 7);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  Random random(2);
  const std::vector inputs{random_tensor(random, graph->inputs[0].shape)};
  const auto fused = run_with(*make_onednn_engine(OneDnnOptions{2, true}), *graph, inputs);
  const auto plain = run_with(*make_onednn_engine(OneDnnOptions{2, false}), *graph, inputs);
  ASSERT_EQ(fused.size(), 1U);
  EXPECT_LE(relative_error(fused[0], plain[0]), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Zoo, ZooNet,
                         testing::Values("resnet18", "squeezenet1_1", "googlenet", "mobilenet_v2"),
                         [](const auto& net) { return std::string(net.param); });

TEST(Concurrency, TwoExecutablesOfOneEngineRunAtOnce) {
  auto engine = make_onednn_engine(2);
  auto net = residual_net(3, 24);
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  const auto expected = run_with(*engine, graph, inputs);
  std::atomic<int> wrong{0};
  const auto work = [&] {
    auto executable = *engine->compile(graph);
    for (int run = 0; run < 50; ++run) {
      const auto outputs = executable->run(inputs);
      if (!outputs.ok() || !same_bits(*outputs, expected)) ++wrong;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Concurrency, EnginesWithDifferentThreadCountsCoexist) {
  auto net = residual_net(4, 24);
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  const auto expected = run_with(*make_onednn_engine(1), graph, inputs);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (const int count : {1, 2, 4}) {
    threads.emplace_back([&, count] {
      auto engine = make_onednn_engine(count);
      for (int run = 0; run < 10; ++run) {
        if (!same_bits(run_with(*engine, graph, inputs), expected)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Concurrency, TheCallersOpenMpSettingIsLeftAlone) {
  omp_set_num_threads(5);
  auto net = residual_net(5);
  run_with(*make_onednn_engine(2), *net.graph(), net.inputs());
  EXPECT_EQ(omp_get_max_threads(), 5);
}

TEST(Engines, SayWhatTheyRunOn) {
  EXPECT_EQ(make_reference_engine()->isa(), "scalar");
  EXPECT_FALSE(make_onednn_engine(1)->isa().empty());
}

}  // namespace
}  // namespace hyps::engine::test
