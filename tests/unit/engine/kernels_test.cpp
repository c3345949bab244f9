// The other kernels of the oneDNN engine against the scalar reference.
#include "sweep.hpp"

namespace hyps::engine::test {
namespace {

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
