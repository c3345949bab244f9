// Tiles of layers, run by the oneDNN engine, against the region of the whole's scalar reference.
#include "common/cnn/operator.hpp"
#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

cnn::Region random_region(Random& random, const cnn::Shape& shape) {
  cnn::Region region = cnn::whole_region(shape);
  for (cnn::Range& range : region) {
    const std::int64_t begin = random.between(0, range.end - 1);
    range = {begin, random.between(begin + 1, range.end)};
  }
  return region;
}

// One layer over one map, as `attributes` say.
std::string layer(Net& net, const std::string& op, const std::string& x, std::int64_t channels) {
  Random& random = net.random();
  const Ints kernel{random.between(1, 4), random.between(1, 4)};
  const std::int64_t pad = random.between(0, 2);
  Attributes attributes{{"strides", Ints{random.between(1, 3), random.between(1, 3)}},
                        {"pads", Ints{pad, 1, 0, pad}}};
  const cnn::Shape w{channels, channels, kernel[0], kernel[1]};
  if (op == "Conv") return net.conv(x, w, attributes);
  if (op == "ConvTranspose") return net.add(op, {x, net.weight(w)}, attributes);
  attributes["kernel_shape"] = kernel;
  attributes["ceil_mode"] = random.between(0, 1);
  if (op == "AveragePool") attributes["count_include_pad"] = random.between(0, 1);
  return net.add(op, {x}, attributes);
}

void check_tile(Engine& engine, const cnn::Graph& graph, const cnn::Tensor& x,
                const cnn::NodeTile& tile, const cnn::Region& region) {
  cnn::Graph part = graph;
  part.nodes = {tile.node};
  part.inputs[0].shape = cnn::crop(x, tile.inputs[0]).shape;
  part.values.clear();
  ASSERT_TRUE(cnn::infer_shapes(part).ok());
  const auto whole = cnn::run_reference(graph, {x});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const auto given = run_with(engine, part, {cnn::crop(x, tile.inputs[0])});
  ASSERT_EQ(given.size(), 1U);
  const cnn::Tensor actual = cnn::crop(given[0], cnn::relative_to(tile.output, region));
  const cnn::Tensor expected = cnn::crop(whole->at(0), region);
  ASSERT_EQ(actual.shape, expected.shape);
  EXPECT_LE(relative_error(actual, expected), kTolerance);
}

TEST(Tiles, MatchTheWholesReference) {
  auto engine = make_onednn_engine(2);
  for (const std::string op : {"Conv", "ConvTranspose", "MaxPool", "AveragePool"}) {
    int done = 0;
    for (std::uint64_t seed = 0; done < 150 && seed < 1000; ++seed) {
      SCOPED_TRACE(op + " seed " + std::to_string(seed));
      Net net(seed);
      const std::int64_t channels = net.random().between(1, 20);
      const auto x =
          net.input({1, channels, net.random().between(1, 14), net.random().between(1, 14)});
      net.output(layer(net, op, x, channels));
      const auto graph = net.graph();
      if (!graph.ok()) continue;
      const auto region = random_region(net.random(), graph->outputs[0].shape);
      const auto tile =
          cnn::find_operator(op)->tile(cnn::context_of(*graph, graph->nodes[0]), region);
      if (!tile) continue;
      ++done;
      check_tile(*engine, *graph, net.inputs()[0], *tile, region);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_EQ(done, 150) << op;
  }
}

}  // namespace
}  // namespace hyps::engine::test
