// Convolutions and poolings of the oneDNN engine against the scalar reference.
#include "sweep.hpp"

namespace hyps::engine::test {
namespace {

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

TEST(Pool, GlobalPoolsMatchReference) {
  for (const std::string op : {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean"}) {
    sweep(5500, 2, [&](Net& net, Random& random) {
      const auto channels = random.between(1, 100);
      const auto x =
          net.input({random.between(1, 2), channels, random.between(1, 20), random.between(1, 20)});
      Attributes attributes;
      if (op == "ReduceMean") attributes["axes"] = Ints{2, -1};
      const auto y = net.add(op, {net.conv(x, {channels, channels, 1, 1})}, attributes);
      return perhaps_read(net, y, channels);
    });
  }
}

// One float32 sum of so many equal numbers would be off by thousandths.
TEST(Pool, AveragesOfLargeMapsAreExact) {
  for (const std::int64_t side : {16, 64, 128}) {
    Net net(1);
    const auto zero = net.constant(cnn::Tensor::floats({}, {0}));
    const auto tenth = net.constant(cnn::Tensor::floats({}, {0.1F}));
    const auto x = net.add("Add", {net.add("Mul", {net.input({1, 3, side, side}), zero}), tenth});
    net.output(net.add("GlobalAveragePool", {x}));
    auto engine = make_onednn_engine(1);
    expect_like_reference(*engine, *net.graph(), net.inputs());
  }
}

// Windows as convolutions have them, pads up to what still leaves an output.
Attributes random_transposed_window(Random& random, std::size_t axes) {
  Ints strides;
  Ints dilations;
  Ints pads(2 * axes);
  Ints padding;
  for (std::size_t i = 0; i < axes; ++i) {
    strides.push_back(random.between(1, 4));
    dilations.push_back(random.below(4) == 0 ? 2 : 1);
    padding.push_back(random.below(3) == 0 ? random.between(0, strides[i]) : 0);
    pads[i] = random.between(0, 3);
    pads[axes + i] = random.between(0, 3);
  }
  Attributes attributes{{"strides", strides}, {"dilations", dilations}, {"pads", pads}};
  if (random.below(2) == 0) attributes["output_padding"] = padding;
  if (random.below(6) == 0) {
    attributes.erase("pads");
    attributes["auto_pad"] = std::string(random.below(2) == 0 ? "SAME_UPPER" : "SAME_LOWER");
  }
  return attributes;
}

TEST(Deconv, MatchesReference) {
  for (const std::size_t axes : {1U, 2U, 3U}) {
    sweep(5800 + 10000 * axes, 2, [&](Net& net, Random& random) {
      const auto groups = random.below(4) == 0 ? random.between(2, 4) : 1;
      const auto inputs = random.below(3) == 0 ? 16 : random.between(1, 20);
      const auto outputs = random.below(3) == 0 ? 16 : random.between(1, 40);
      auto attributes = random_transposed_window(random, axes);
      attributes["group"] = groups;
      cnn::Shape x{random.below(4) == 0 ? 2 : 1, groups * inputs};
      cnn::Shape w{groups * inputs, outputs};
      for (std::size_t i = 0; i < axes; ++i) {
        x.push_back(random.between(1, axes == 1 ? 20 : axes == 2 ? 7 : 4));
        w.push_back(random.between(1, axes == 3 ? 3 : 5));
      }
      std::vector<std::string> operands{net.input(x), net.weight(w)};
      if (random.below(2) == 0) operands.push_back(net.weight({groups * outputs}));
      return perhaps_read(net, net.add("ConvTranspose", operands, attributes), groups * outputs,
                          axes);
    });
  }
}

// Large enough to be computed in pieces.
TEST(Deconv, PiecesMatchTheReference) {
  Net net(77);
  const auto x = net.input({2, 48, 14, 14});
  const auto w = net.weight({48, 130, 3, 3});
  net.output(net.add("ConvTranspose", {x, w, net.weight({130})},
                     {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}));
  auto engine = make_onednn_engine(3);
  expect_like_reference(*engine, *net.graph(), net.inputs());
}

}  // namespace
}  // namespace hyps::engine::test
