#include "common/engine/joins.hpp"

#include "common/engine/fusion.hpp"
#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

const Attributes kSame{{"pads", Ints{1, 1, 1, 1}}};
const Attributes kChannels{{"axis", std::int64_t{1}}};

Joins joins_of(const cnn::Graph& graph) { return find_joins(graph, fuse(graph, *lower(graph))); }

TEST(Joins, PartsKnowTheirPlaceInTheWhole) {
  Net net(1);
  const auto x = net.input({1, 3, 8, 8});
  const auto a = net.add("Relu", {net.conv(x, {16, 3, 1, 1})});
  const auto b = net.conv(x, {8, 3, 3, 3}, kSame);
  const auto whole = net.add("Concat", {a, x, b}, kChannels);
  net.output(net.add("Relu", {whole}));
  const auto joins = joins_of(*net.graph());
  ASSERT_EQ(joins.size(), 2U);  // what the run is given stays where it is
  EXPECT_EQ(joins.at(a).whole, whole);
  EXPECT_EQ(joins.at(a).begin, 0);
  EXPECT_EQ(joins.at(b).begin, 19);
}

TEST(Joins, TheLastConcatenationTakesThePart) {
  Net net(1);
  const auto x = net.conv(net.input({1, 3, 8, 8}), {8, 3, 1, 1});
  const auto y = net.conv(x, {8, 8, 1, 1});
  const auto first = net.add("Concat", {x, y}, kChannels);
  const auto z = net.conv(first, {8, 16, 1, 1});
  const auto last = net.add("Concat", {x, y, z}, kChannels);
  net.output(net.add("Relu", {last}));
  const auto joins = joins_of(*net.graph());
  for (const auto& part : {x, y, z}) EXPECT_EQ(joins.at(part).whole, last);
}

TEST(Joins, NothingElseIsMoved) {
  const auto joins_with = [](auto make) {
    Net net(1);
    net.output(net.add("Relu", {make(net)}));
    return joins_of(*net.graph()).size();
  };
  EXPECT_EQ(joins_with([](Net& net) {  // twice in one whole
              const auto x = net.conv(net.input({1, 3, 8, 8}), {8, 3, 1, 1});
              return net.add("Concat", {x, x}, kChannels);
            }),
            0U);
  EXPECT_EQ(joins_with([](Net& net) {  // along another axis
              const auto x = net.input({1, 3, 8, 8});
              const auto a = net.conv(x, {8, 3, 1, 1});
              return net.add("Concat", {a, net.conv(x, {8, 3, 1, 1})}, {{"axis", std::int64_t{2}}});
            }),
            0U);
  EXPECT_EQ(joins_with([](Net& net) {  // of several images
              const auto x = net.input({2, 3, 8, 8});
              return net.add("Concat", {net.conv(x, {8, 3, 1, 1}), x}, kChannels);
            }),
            0U);
  EXPECT_EQ(joins_with([](Net& net) {  // an output of the graph
              const auto x = net.conv(net.input({1, 3, 8, 8}), {8, 3, 1, 1});
              net.output(x);
              return net.add("Concat", {x, net.input({1, 3, 8, 8})}, kChannels);
            }),
            0U);
  EXPECT_EQ(joins_with([](Net& net) {  // seen under another shape
              const auto x = net.add("Flatten", {net.input({1, 3, 8, 8})});
              return net.add("Concat", {x, net.input({1, 4})}, kChannels);
            }),
            0U);
}

// Blocks as of DenseNet, GoogLeNet and SqueezeNet, of widths that fit blocks of channels and that
// do not: parts read again, added to, pooled, joined twice, and given away.
class Joined {
 public:
  explicit Joined(std::uint64_t seed) : net_(seed), random_(net_.random()) {
    images_ = random_.below(8) == 0 ? 2 : 1;
    live_.push_back({net_.input({images_, 3, 6, 6}), 3});
    live_.push_back(conv());
    for (int i = 0; i < 14; ++i) live_.push_back(next());
    for (int i = 0; i < 2; ++i) net_.output(live_[live_.size() - 1 - random_.below(4)].name);
  }
  Net& net() { return net_; }

 private:
  struct Map {
    std::string name;
    std::int64_t channels;
  };
  const Map& any() { return live_[random_.below(live_.size())]; }

  Map conv() {
    const auto x = any();
    const auto channels =
        random_.below(3) == 0 ? random_.between(1, 20) : 8 * random_.between(1, 4);
    const bool wide = random_.below(2) == 0;
    const auto y = net_.conv(x.name, {channels, x.channels, wide ? 3 : 1, wide ? 3 : 1},
                             wide ? kSame : Attributes{});
    return {random_.below(2) == 0 ? net_.add("Relu", {y}) : y, channels};
  }
  Map concat() {
    std::vector<std::string> parts;
    std::int64_t channels = 0;
    if (random_.below(2) == 0 && last_.size() > 1) {  // as DenseNet: all before, and one more
      parts = last_;
      channels = last_channels_;
    }
    for (auto more = random_.between(1, 3); more > 0; --more) {
      const auto& x = any();
      parts.push_back(x.name);
      channels += x.channels;
    }
    last_ = parts;
    last_channels_ = channels;
    return {net_.add("Concat", parts, kChannels), channels};
  }
  Map next() {
    const auto x = any();
    switch (random_.below(6)) {
      case 0:
      case 1:
        return conv();
      case 2:
        return {net_.add("Relu", {net_.norm(x.name, x.channels)}), x.channels};
      case 3: {
        const auto y = net_.conv(x.name, {x.channels, x.channels, 1, 1});
        return {net_.add("Mul", {net_.add("Add", {y, x.name}),
                                 net_.constant(cnn::Tensor::floats({1}, {0.1F}))}),
                x.channels};
      }
      case 4:
        return {net_.add("MaxPool", {x.name},
                         {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}),
                x.channels};
      default:
        return concat();
    }
  }

  Net net_;
  Random& random_;
  std::int64_t images_ = 1;
  std::vector<Map> live_;
  std::vector<std::string> last_;
  std::int64_t last_channels_ = 0;
};

TEST(Joins, ResultsAreThoseOfTheReference) {
  auto engine = make_onednn_engine(2);
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Joined joined(seed);
    const auto graph = joined.net().graph();
    if (!graph.ok()) continue;  // the same output drawn twice
    const auto inputs = joined.net().inputs();
    expect_like_reference(*engine, *graph, inputs);
    const auto alone = run_with(*make_onednn_engine(1), *graph, inputs);
    EXPECT_TRUE(same_bits(run_with(*engine, *graph, inputs), alone));
    if (HasFailure()) return;
    ++compared;
  }
  EXPECT_GT(compared, 50);
}

// The labels of the steps that were run.
std::vector<std::string> steps_of(const cnn::Graph& graph, const std::vector<cnn::Tensor>& inputs) {
  std::vector<std::string> labels;
  OneDnnOptions options;
  options.threads = 1;
  options.after_step = [&](const std::string& label) { labels.push_back(label); };
  run_with(*make_onednn_engine(options), graph, inputs);
  return labels;
}

TEST(Joins, NothingIsCopiedWhereBlocksOfChannelsFit) {
  Net net(1);
  auto x = net.add("Relu", {net.conv(net.input({1, 3, 8, 8}), {32, 3, 3, 3}, kSame)});
  std::int64_t channels = 32;
  for (int i = 0; i < 3; ++i, channels += 16) {
    const auto y = net.conv(x, {16, channels, 3, 3}, kSame);
    x = net.add("Concat", {x, y}, kChannels);
  }
  net.output(net.conv(x, {16, channels, 1, 1}));
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  // Five convolutions, and the output in plain order where they leave it blocked.
  EXPECT_LE(steps_of(graph, inputs).size(), 6U);
  expect_like_reference(*make_onednn_engine(2), graph, inputs);
}

}  // namespace
}  // namespace hyps::engine::test
