#include "common/engine/fusion.hpp"

#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

const Attributes kSame{{"pads", Ints{1, 1, 1, 1}}};

Program fused(const cnn::Graph& graph) { return fuse(graph, *lower(graph)); }

TEST(Fusion, NormAndReluMoveIntoTheConvolution) {
  Net net(1);
  const auto x = net.conv(net.input({1, 3, 8, 8}), {4, 3, 3, 3}, kSame);
  net.output(net.add("Relu", {net.norm(x, 4)}));
  const auto program = fused(*net.graph());
  ASSERT_EQ(program.size(), 1U);
  EXPECT_TRUE(program[0].scaling.has_value());
  EXPECT_EQ(program[0].post.size(), 1U);
  EXPECT_EQ(program[0].absorbed.size(), 2U);
}

TEST(Fusion, NormThatStaysTakesTheReluAfterIt) {
  const auto groups_of = [](const std::string& follower) {
    Net net(1);
    const auto x = net.norm(net.input({2, 19, 5, 5}), 19);
    net.output(net.add(follower, {x}));
    const auto graph = *net.graph();
    const auto inputs = net.inputs();
    expect_like_reference(*make_onednn_engine(2), graph, inputs);
    return fused(graph).size();
  };
  EXPECT_EQ(groups_of("Relu"), 1U);
  EXPECT_EQ(groups_of("Sigmoid"), 2U);
}

TEST(Fusion, ValueWithAnotherReaderStays) {
  Net net(1);
  const auto x = net.conv(net.input({1, 3, 8, 8}), {3, 3, 3, 3}, kSame);
  net.output(net.add("Relu", {x}));
  net.output(net.add("LeakyRelu", {x}));
  EXPECT_EQ(fused(*net.graph()).size(), 3U);
}

TEST(Fusion, DeadBranchIsDroppedAndKeepsNobodyFromFusing) {
  Net net(1);
  const auto x = net.conv(net.input({1, 3, 8, 8}), {3, 3, 3, 3}, kSame);
  net.add("Sigmoid", {net.add("LeakyRelu", {x})});
  net.output(net.add("Relu", {x}));
  const auto program = fused(*net.graph());
  ASSERT_EQ(program.size(), 1U);
  EXPECT_EQ(program[0].post.size(), 1U);
}

TEST(Fusion, OutputOfTheGraphStays) {
  Net net(1);
  const auto x = net.conv(net.input({1, 3, 8, 8}), {3, 3, 3, 3}, kSame);
  net.output(x);
  net.output(net.add("Relu", {x}));
  EXPECT_EQ(fused(*net.graph()).size(), 2U);
}

TEST(Fusion, ResidualThatDiesIsAddedInPlace) {
  Net net(1);
  const auto x = net.add("Relu", {net.input({1, 4, 8, 8})});
  const auto y = net.conv(net.conv(x, {4, 4, 3, 3}, kSame), {4, 4, 3, 3}, kSame);
  net.output(net.add("Relu", {net.add("Add", {y, x})}));
  const auto program = fused(*net.graph());
  ASSERT_EQ(program.size(), 3U);
  ASSERT_EQ(program[2].post.size(), 2U);
  EXPECT_EQ(program[2].post[0].kind, PostOp::Kind::add);
  EXPECT_EQ(program[2].post[0].operand, x);
}

TEST(Fusion, DownsampledBranchTakesTheSum) {
  Net net(1);
  const auto x = net.add("Relu", {net.input({1, 4, 8, 8})});
  const auto a = net.conv(x, {4, 4, 3, 3}, kSame);
  const auto b = net.conv(x, {4, 4, 1, 1});
  net.output(net.add("Add", {a, b}));
  EXPECT_EQ(fused(*net.graph()).size(), 3U);  // x, a, and b plus a
}

// What may not be overwritten by the sum.
TEST(Fusion, ResidualThatIsStillNeededIsNotOverwritten) {
  const auto groups_of = [](auto make) {
    Net net(1);
    net.output(make(net));
    return fused(*net.graph()).size();
  };
  EXPECT_EQ(groups_of([](Net& net) {  // an input of the graph
              const auto x = net.input({1, 4, 8, 8});
              return net.add("Add", {net.conv(x, {4, 4, 3, 3}, kSame), x});
            }),
            2U);
  EXPECT_EQ(groups_of([](Net& net) {  // the convolution itself reads it
              const auto x = net.add("Relu", {net.input({1, 4, 8, 8})});
              return net.add("Add", {net.conv(x, {4, 4, 3, 3}, kSame), x});
            }),
            3U);
  EXPECT_EQ(groups_of([](Net& net) {  // read again later
              const auto x = net.add("LeakyRelu", {net.input({1, 4, 8, 8})});
              const auto y = net.conv(net.conv(x, {4, 4, 1, 1}), {4, 4, 1, 1});
              return net.add("Mul", {net.add("Add", {y, x}), x});
            }),
            5U);
  EXPECT_EQ(groups_of([](Net& net) {  // seen under another shape as well
              const auto x = net.add("LeakyRelu", {net.input({1, 4, 8, 8})});
              const auto flat = net.add("Flatten", {x});
              net.output(net.add("Softmax", {flat}));
              const auto y = net.conv(net.conv(x, {4, 4, 1, 1}), {4, 4, 1, 1});
              return net.add("Add", {y, x});
            }),
            6U);
  EXPECT_EQ(groups_of([](Net& net) {  // broadcast, not added one to one
              const auto x = net.add("GlobalAveragePool", {net.input({1, 4, 8, 8})});
              return net.add("Add", {net.conv(net.input({1, 4, 8, 8}), {4, 4, 1, 1}), x});
            }),
            3U);
}

// Random stacks of convolutions with everything that may follow them, fused and not.
TEST(Fusion, FusedAndUnfusedAgree) {
  auto with = make_onednn_engine(OneDnnOptions{2, true});
  auto without = make_onednn_engine(OneDnnOptions{2, false});
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Net net(seed);
    auto& random = net.random();
    const auto c = random.between(1, 40);
    const auto side = random.between(1, 10);
    std::vector<std::string> live{net.add("Relu", {net.input({1, c, side, side})})};
    for (int layer = 0; layer < 6; ++layer) {
      const bool depthwise = random.below(3) == 0;
      auto attributes = kSame;
      attributes["group"] = depthwise ? c : 1;
      auto y = net.conv(live[random.below(live.size())], {c, depthwise ? 1 : c, 3, 3}, attributes,
                        random.below(2) == 0);
      if (random.below(2) == 0) y = net.norm(y, c);
      if (random.below(2) == 0) y = net.add("Add", {y, live[random.below(live.size())]});
      if (random.below(2) == 0) y = net.add("Relu", {y});
      if (random.below(4) == 0) y = net.add("LeakyRelu", {y}, {{"alpha", 0.2F}});
      y = net.add("Mul", {y, net.constant(cnn::Tensor::floats({1}, {0.1F}))});
      live.push_back(y);
    }
    net.output(live.back());
    if (random.below(2) == 0) net.output(live[live.size() - 2]);
    const auto graph = net.graph();
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const auto inputs = net.inputs();
    const auto a = run_with(*with, *graph, inputs);
    const auto b = run_with(*without, *graph, inputs);
    for (std::size_t i = 0; i < b.size(); ++i) EXPECT_LE(relative_error(a[i], b[i]), kTolerance);
    expect_like_reference(*with, *graph, inputs);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace hyps::engine::test
