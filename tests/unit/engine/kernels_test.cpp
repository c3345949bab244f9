// Every kernel of the oneDNN engine against the scalar reference, over seeded random shapes.
#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

constexpr int kRounds = 250;

// Builds nets with make(net, random) until kRounds of them had fitting shapes.
template <typename Make>
void sweep(std::uint64_t seed, int threads, Make make) {
  auto engine = make_onednn_engine(threads);
  int done = 0;
  for (std::uint64_t round = 0; done < kRounds; ++round) {
    ASSERT_LT(round, 20U * kRounds) << "too few shapes fit";
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    Net net(seed + round);
    net.output(make(net, net.random()));
    const auto graph = net.graph();
    if (!graph.ok()) continue;
    expect_like_reference(*engine, *graph, net.inputs());
    ++done;
    if (testing::Test::HasFailure()) return;
  }
}

// Half of the time a convolution reads the map, padding channels of its layout included.
std::string perhaps_read(Net& net, const std::string& map, std::int64_t channels,
                         std::size_t axes = 2) {
  if (net.random().below(2) == 0) return map;
  cnn::Shape w{5, channels};
  w.resize(2 + axes, 1);
  return net.conv(map, w);
}

struct Spatial {
  cnn::Shape x;
  Attributes attributes;
  Ints kernel;
};

// A map and a window over it, of 1 to 3 axes, often awkward.
Spatial random_window(Random& random, std::int64_t images, std::int64_t channels,
                      std::size_t axes) {
  Spatial result{{images, channels}, {}, {}};
  Ints strides;
  Ints dilations;
  Ints pads(2 * axes);
  for (std::size_t i = 0; i < axes; ++i) {
    result.x.push_back(random.between(1, axes == 1 ? 40 : axes == 2 ? 14 : 6));
    result.kernel.push_back(random.between(1, 5));
    strides.push_back(random.between(1, 3));
    dilations.push_back(random.below(4) == 0 ? 2 : 1);
    pads[i] = random.between(0, result.kernel[i]);
    pads[axes + i] = random.between(0, result.kernel[i]);
  }
  result.attributes = {{"strides", strides}, {"dilations", dilations}, {"pads", pads}};
  return result;
}

TEST(Conv, MatchesReferenceInTwoDimensions) {
  sweep(1000, 2, [](Net& net, Random& random) {
    const auto channels = random.between(1, 70);
    const auto window = random_window(random, random.below(4) == 0 ? 2 : 1, channels, 2);
    const auto x = net.input(window.x);
    return net.conv(x, {random.between(1, 70), channels, window.kernel[0], window.kernel[1]},
                    window.attributes, random.below(2) == 0);
  });
}

TEST(Conv, MatchesReferenceWithGroups) {
  sweep(2000, 3, [](Net& net, Random& random) {
    const auto groups = random.between(2, 6);
    const auto inputs = random.below(3) == 0 ? 16 : random.between(1, 9);
    const auto outputs = random.below(3) == 0 ? 16 : random.between(1, 9);
    auto window = random_window(random, random.between(1, 2), groups * inputs, 2);
    window.attributes["group"] = groups;
    const auto x = net.input(window.x);
    return net.conv(x, {groups * outputs, inputs, window.kernel[0], window.kernel[1]},
                    window.attributes);
  });
}

TEST(Conv, MatchesReferenceDepthwise) {
  sweep(3000, 2, [](Net& net, Random& random) {
    const auto channels = random.below(2) == 0 ? 8 * random.between(1, 12) : random.between(2, 60);
    auto window = random_window(random, 1, channels, 2);
    window.attributes["group"] = channels;
    const auto x = net.input(window.x);
    return net.conv(x, {channels, 1, window.kernel[0], window.kernel[1]}, window.attributes);
  });
}

TEST(Conv, MatchesReferenceInOneAndThreeDimensions) {
  sweep(4000, 2, [](Net& net, Random& random) {
    const auto channels = random.between(1, 36);
    const auto window = random_window(random, 1, channels, random.below(2) == 0 ? 1 : 3);
    cnn::Shape w{random.between(1, 36), channels};
    w.insert(w.end(), window.kernel.begin(), window.kernel.end());
    return net.conv(net.input(window.x), w, window.attributes);
  });
}

// Large enough to be computed in pieces.
TEST(Conv, PiecesMatchTheReference) {
  auto engine = make_onednn_engine(4);
  for (const auto& [m, c, groups, images] :
       std::vector<std::tuple<int, int, int, int>>{{128, 64, 1, 1},
                                                   {100, 35, 1, 2},
                                                   {96, 48, 4, 1},
                                                   {96, 36, 3, 2},
                                                   {512, 512, 512, 1},
                                                   {144, 144, 144, 2},
                                                   {1000, 32, 1, 1}}) {
    Net net(static_cast<std::uint64_t>(m));
    const auto x = net.input({images, c, 20, 20});
    net.output(net.conv(x, {m, c / groups, 3, 3},
                        {{"pads", Ints{1, 1, 1, 1}}, {"group", std::int64_t{groups}}}));
    SCOPED_TRACE(std::to_string(m) + " of " + std::to_string(c));
    expect_like_reference(*engine, *net.graph(), net.inputs());
  }
}

TEST(Conv, WeightsThatAreComputedMatchTheReference) {
  Net net(1);
  const auto x = net.input({1, 4, 6, 6});
  const auto w = net.input({8, 4, 3, 3});
  net.output(net.add("Conv", {x, w}));
  auto engine = make_onednn_engine(2);
  expect_like_reference(*engine, *net.graph(), net.inputs());
}

TEST(Pool, MatchesReference) {
  sweep(5000, 2, [](Net& net, Random& random) {
    const auto channels = random.between(1, 70);
    const auto axes = static_cast<std::size_t>(random.between(1, 3));
    auto window = random_window(random, random.between(1, 2), channels, axes);
    window.attributes["kernel_shape"] = window.kernel;
    window.attributes["ceil_mode"] = random.between(0, 1);
    auto x = net.input(window.x);
    if (random.below(2) == 0) {  // a blocked map comes in
      cnn::Shape w{channels, channels};
      w.resize(2 + axes, 1);
      x = net.conv(x, w);
    }
    if (random.below(2) == 0) {
      return perhaps_read(net, net.add("MaxPool", {x}, window.attributes), channels, axes);
    }
    window.attributes.erase("dilations");
    window.attributes["count_include_pad"] = random.between(0, 1);
    return perhaps_read(net, net.add("AveragePool", {x}, window.attributes), channels, axes);
  });
}

TEST(Pool, GlobalAverageMatchesReference) {
  sweep(5500, 2, [](Net& net, Random& random) {
    const auto channels = random.between(1, 100);
    const auto x =
        net.input({random.between(1, 2), channels, random.between(1, 20), random.between(1, 20)});
    const auto y = net.add("GlobalAveragePool", {net.conv(x, {channels, channels, 1, 1})});
    return perhaps_read(net, y, channels);
  });
}

TEST(MatMul, GemmMatchesReference) {
  sweep(6000, 2, [](Net& net, Random& random) {
    const auto rows = random.below(2) == 0 ? 1 : random.between(2, 9);
    const auto depth = random.between(1, 200);
    const auto columns = random.between(1, 200);
    const bool ta = random.below(3) == 0;
    const bool tb = random.below(2) == 0;
    const auto a = net.input(ta ? cnn::Shape{depth, rows} : cnn::Shape{rows, depth});
    const auto b_shape = tb ? cnn::Shape{columns, depth} : cnn::Shape{depth, columns};
    std::vector<std::string> inputs{
        a, random.below(4) == 0 ? net.input(b_shape) : net.weight(b_shape)};
    const std::vector<cnn::Shape> biases{{columns}, {1, columns}, {1},
                                         {},        {rows, 1},    {rows, columns}};
    if (random.below(4) != 0) inputs.push_back(net.weight(biases[random.below(biases.size())]));
    const bool scaled = random.below(3) == 0;
    return net.add("Gemm", inputs,
                   {{"transA", std::int64_t{ta}},
                    {"transB", std::int64_t{tb}},
                    {"alpha", scaled ? 0.5F : 1.0F},
                    {"beta", scaled ? 2.0F : 1.0F}});
  });
}

TEST(MatMul, BatchedProductsMatchReference) {
  sweep(7000, 2, [](Net& net, Random& random) {
    const auto rows = random.between(1, 9);
    const auto depth = random.between(1, 60);
    const auto columns = random.between(1, 60);
    const auto batch = random.between(1, 3);
    const auto a = net.input({batch, rows, depth});
    const bool flat = random.below(2) == 0;
    const auto shape = flat ? cnn::Shape{depth, columns} : cnn::Shape{batch, depth, columns};
    return net.add("MatMul", {a, random.below(2) == 0 ? net.weight(shape) : net.input(shape)});
  });
}

TEST(MatMul, LargeFullyConnectedLayersMatchReference) {
  auto engine = make_onednn_engine(3);
  for (const auto& [rows, depth, columns, tb] :
       std::vector<std::tuple<int, int, int, bool>>{{1, 4096, 1000, true},
                                                    {1, 2048, 1001, false},
                                                    {1, 25088, 100, true},
                                                    {5, 1024, 999, true}}) {
    Net net(9);
    const auto x = net.input({rows, depth});
    const auto w = net.weight(tb ? cnn::Shape{columns, depth} : cnn::Shape{depth, columns});
    net.output(net.add(
        "Relu", {net.add("Gemm", {x, w, net.weight({columns})}, {{"transB", std::int64_t{tb}}})}));
    expect_like_reference(*engine, *net.graph(), net.inputs());
  }
}

TEST(Unary, MatchesReferenceOnPlainAndBlockedMaps) {
  sweep(8000, 2, [](Net& net, Random& random) {
    const auto channels = random.between(1, 40);
    auto x =
        net.input({random.between(1, 2), channels, random.between(1, 30), random.between(1, 30)});
    if (random.below(2) == 0)
      x = net.add("MaxPool", {net.conv(x, {channels, channels, 1, 1})},
                  {{"kernel_shape", Ints{1, 1}}});
    if (random.below(3) == 0) return perhaps_read(net, net.add("Relu", {x}), channels);
    if (random.below(2) == 0) return net.add("LeakyRelu", {x}, {{"alpha", 0.1F}});
    const auto low = net.constant(cnn::Tensor::floats({}, {random.uniform(-0.5F, 0.2F)}));
    const auto high = net.constant(cnn::Tensor::floats({}, {random.uniform(0.3F, 0.9F)}));
    return perhaps_read(net, net.add("Clip", {x, low, high}), channels);
  });
}

// Padding channels of a blocked map must stay zero, or the next convolution sums them up.
TEST(Unary, ClipAboveZeroLeavesThePaddingOfBlockedMapsAlone) {
  Net net(3);
  const auto x = net.conv(net.input({1, 3, 8, 8}), {19, 3, 3, 3});
  const auto y = net.add("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}});
  const auto low = net.constant(cnn::Tensor::floats({}, {0.5F}));
  const auto high = net.constant(cnn::Tensor::floats({}, {6.0F}));
  net.output(net.conv(net.add("Clip", {y, low, high}), {21, 19, 1, 1}));
  auto engine = make_onednn_engine(2);
  expect_like_reference(*engine, *net.graph(), net.inputs());
}

TEST(Binary, BroadcastsLikeTheReference) {
  sweep(9000, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    const cnn::Shape full{random.between(1, 2), c, random.between(1, 9), random.between(1, 9)};
    const std::vector<cnn::Shape> others{
        full, {c, 1, 1}, {1}, {}, {full[3]}, {1, c, full[2], 1}, {full[0], 1, 1, 1}};
    std::vector<std::string> inputs;
    auto x = net.input(full);
    if (random.below(2) == 0) x = net.conv(x, {c, c, 1, 1});
    inputs.push_back(x);
    for (std::uint64_t i = 0, count = 1 + random.below(2); i < count; ++i) {
      const auto& shape = others[random.below(others.size())];
      inputs.push_back(random.below(2) == 0 ? net.weight(shape) : net.input(shape));
    }
    if (random.below(3) == 0) std::swap(inputs[0], inputs[1]);
    if (inputs.size() > 2) return perhaps_read(net, net.add("Sum", inputs), c);
    return perhaps_read(net, net.add(random.below(2) == 0 ? "Add" : "Mul", inputs), c);
  });
}

TEST(Affine, MatchesReferenceOnPlainAndBlockedMaps) {
  sweep(10000, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    auto x = net.input({random.between(1, 2), c, random.between(1, 9), random.between(1, 9)});
    if (random.below(2) == 0) x = net.add("Relu", {net.conv(x, {c, c, 1, 1})});
    return perhaps_read(net, net.norm(x, c), c);
  });
}

TEST(Softmax, MatchesReferenceOnEveryAxis) {
  sweep(11000, 2, [](Net& net, Random& random) {
    const auto rank = random.between(1, 4);
    cnn::Shape shape;
    for (std::int64_t i = 0; i < rank; ++i) shape.push_back(random.between(1, 20));
    return net.add("Softmax", {net.input(shape)}, {{"axis", random.between(0, rank - 1)}});
  });
}

TEST(Lrn, MatchesReference) {
  sweep(12000, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    cnn::Shape shape{random.between(1, 2), c, random.between(1, 9)};
    if (random.below(4) != 0) shape.push_back(random.between(1, 9));
    auto x = net.input(shape);
    if (shape.size() == 4 && random.below(2) == 0) x = net.conv(x, {c, c, 1, 1});
    const auto y = net.add("LRN", {x},
                           {{"size", random.between(1, 7)},
                            {"alpha", random.uniform(1e-4F, 1)},
                            {"beta", random.uniform(0.5F, 1)},
                            {"bias", random.uniform(1, 2)}});
    return perhaps_read(net, y, c, shape.size() - 2);
  });
}

TEST(Concat, MatchesReferenceAcrossLayouts) {
  sweep(13000, 2, [](Net& net, Random& random) {
    const cnn::Shape shape{random.between(1, 2), random.between(1, 40), random.between(1, 9),
                           random.between(1, 9)};
    const auto axis = random.between(0, 3);
    std::vector<std::string> parts;
    std::int64_t sum = 0;  // of the extents along the axis
    for (std::uint64_t i = 0, count = 2 + random.below(3); i < count; ++i) {
      auto own = shape;
      own[static_cast<std::size_t>(axis)] = random.below(2) == 0 ? 16 : random.between(1, 20);
      sum += own[static_cast<std::size_t>(axis)];
      const auto x = net.input(own);
      parts.push_back(random.below(2) == 0 ? x : net.conv(x, {own[1], own[1], 1, 1}));
    }
    const auto y = net.add("Concat", parts, {{"axis", axis}});
    return perhaps_read(net, y, axis == 1 ? sum : shape[1]);
  });
}

TEST(View, FlattensMapsOfAnyLayout) {
  sweep(14000, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    auto x = net.input({random.between(1, 2), c, random.between(1, 4), random.between(1, 4)});
    if (random.below(2) == 0) x = net.conv(x, {c, c, 1, 1});
    return net.add("Flatten", {x}, {{"axis", random.between(0, 3)}});
  });
}

TEST(Reference, OperatorsWithoutKernelRunOnPlainMaps) {
  sweep(15000, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    const auto x =
        net.conv(net.input({1, c, random.between(1, 9), random.between(1, 9)}), {c, c, 1, 1});
    const auto y = net.add("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}});
    return net.add("Transpose", {y}, {{"perm", Ints{0, 3, 1, 2}}});
  });
}

}  // namespace
}  // namespace hyps::engine::test
