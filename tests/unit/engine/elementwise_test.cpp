// Element-wise kernels of the oneDNN engine against the scalar reference.
#include "sweep.hpp"

namespace hyps::engine::test {
namespace {

// A map of any layout: as it came in, or as a pooling left a convolution's blocked one.
std::string any_map(Net& net, Random& random, std::int64_t channels) {
  const auto x =
      net.input({random.between(1, 2), channels, random.between(1, 20), random.between(1, 20)});
  if (random.below(2) == 0) return x;
  return net.add("MaxPool", {net.conv(x, {channels, channels, 1, 1})},
                 {{"kernel_shape", Ints{1, 1}}});
}

TEST(Unary, ClipMatchesReferenceOnPlainAndBlockedMaps) {
  sweep(8000, 2, [](Net& net, Random& random) {
    const auto channels = random.between(1, 40);
    const auto x = any_map(net, random, channels);
    const auto low = net.constant(cnn::Tensor::floats({}, {random.uniform(-0.5F, 0.2F)}));
    const auto high = net.constant(cnn::Tensor::floats({}, {random.uniform(0.3F, 0.9F)}));
    return perhaps_read(net, net.add("Clip", {x, low, high}), channels);
  });
}

class UnaryFunction : public testing::TestWithParam<const char*> {};

TEST_P(UnaryFunction, MatchesReferenceOnPlainAndBlockedMaps) {
  const std::string op = GetParam();
  const float widest = op == "Exp" ? 1 : 12;
  sweep(8500, 2, [&](Net& net, Random& random) {
    const auto channels = random.between(1, 40);
    auto x = any_map(net, random, channels);
    if (op == "Sqrt") {  // of positive numbers
      x = net.add("Add", {net.add("Abs", {x}), net.constant(cnn::Tensor::floats({}, {0.1F}))});
    } else if (op != "Exp" && random.below(3) == 0) {  // to be fused with; exp magnifies its error
      x = net.conv(x, {channels, channels, 1, 1});
    } else {  // wide enough for both ends of the function
      x = net.add("Mul",
                  {x, net.constant(cnn::Tensor::floats({}, {random.uniform(0.1F, widest)}))});
    }
    Attributes attributes;
    if (op == "LeakyRelu" || op == "Elu") attributes["alpha"] = random.uniform(0.05F, 2);
    net.use_opset(14);  // HardSwish's first
    return perhaps_read(net, net.add(op, {x}, attributes), channels);
  });
}

INSTANTIATE_TEST_SUITE_P(Functions, UnaryFunction,
                         testing::Values("Relu", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "Abs",
                                         "Sqrt", "Exp", "Softplus", "HardSwish"));

// Where a function's results are small a small error is large: maps that lie to one side of zero,
// far away or near.
TEST_P(UnaryFunction, MatchesReferenceOnMapsOfOneSide) {
  const std::string op = GetParam();
  for (const auto& [from, to] :
       {std::pair(-10.0F, -8.0F), {-1e-3F, 0.0F}, {0.0F, 1e-3F}, {8.0F, 10.0F}}) {
    if (op == "Sqrt" && from < 0) continue;
    SCOPED_TRACE(op + " from " + std::to_string(from));
    Net net(1);
    net.use_opset(14);
    const auto half = net.constant(cnn::Tensor::floats({}, {(to - from) / 2}));
    const auto middle = net.constant(cnn::Tensor::floats({}, {(to + from) / 2}));
    const auto x = net.add("Mul", {net.input({1, 20, 9, 9}), half});
    net.output(net.add(op, {net.add("Add", {x, middle})}));
    auto engine = make_onednn_engine(1);
    expect_like_reference(*engine, *net.graph(), net.inputs());
  }
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

class BinaryFunction : public testing::TestWithParam<const char*> {};

TEST_P(BinaryFunction, BroadcastsLikeTheReference) {
  const std::string op = GetParam();
  const bool variadic = op == "Sum" || op == "Max" || op == "Min";
  sweep(9000, 2, [&](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    const cnn::Shape full{random.between(1, 2), c, random.between(1, 9), random.between(1, 9)};
    const std::vector<cnn::Shape> others{
        full, {c, 1, 1}, {1}, {}, {full[3]}, {1, c, full[2], 1}, {full[0], 1, 1, 1}};
    std::vector<std::string> inputs;
    auto x = net.input(full);
    if (random.below(2) == 0) x = net.conv(x, {c, c, 1, 1});
    inputs.push_back(x);
    for (std::uint64_t i = 0, count = variadic ? 1 + random.below(2) : 1; i < count; ++i) {
      const auto& shape = others[random.below(others.size())];
      inputs.push_back(random.below(2) == 0 ? net.weight(shape) : net.input(shape));
    }
    if (op == "Div") {  // by what is not near zero
      inputs[1] = net.add(
          "Add", {net.add("Abs", {inputs[1]}), net.constant(cnn::Tensor::floats({}, {0.5F}))});
    } else if (random.below(3) == 0) {
      std::swap(inputs[0], inputs[1]);
    }
    return perhaps_read(net, net.add(op, inputs), c);
  });
}

INSTANTIATE_TEST_SUITE_P(Functions, BinaryFunction,
                         testing::Values("Add", "Sum", "Mul", "Sub", "Div", "Max", "Min"));

TEST(PRelu, MatchesReferenceForEverySlope) {
  sweep(9500, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    const auto rank = random.between(2, 5);
    cnn::Shape full{random.between(1, 2), c};
    while (static_cast<std::int64_t>(full.size()) < rank) full.push_back(random.between(1, 9));
    cnn::Shape channels(full.size() - 1, 1);
    channels[0] = c;
    const std::vector<cnn::Shape> slopes{channels, channels, full, {1}, {}, {full.back()}};
    const auto slope = net.weight(slopes[random.below(slopes.size())]);
    auto x = net.input(full);
    if (rank == 4 && random.below(2) == 0) x = net.conv(x, {c, c, 1, 1});
    const auto y = net.add("PRelu", {x, slope});
    return rank == 4 ? perhaps_read(net, y, c) : y;
  });
}

TEST(Affine, MatchesReferenceOnPlainAndBlockedMaps) {
  sweep(10000, 2, [](Net& net, Random& random) {
    const auto c = random.between(1, 40);
    auto x = net.input({random.between(1, 2), c, random.between(1, 9), random.between(1, 9)});
    if (random.below(2) == 0) x = net.add("Relu", {net.conv(x, {c, c, 1, 1})});
    x = net.norm(x, c);
    return perhaps_read(net, random.below(2) == 0 ? net.add("Relu", {x}) : x, c);
  });
}

}  // namespace
}  // namespace hyps::engine::test
