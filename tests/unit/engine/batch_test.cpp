// A batch gives the bits of single runs: voting stands on it.
#include "common/engine/onednn/batch.hpp"

#include <malloc.h>

#include "common/base/file.hpp"
#include "common/engine/packed_file.hpp"
#include "common/zoo/zoo.hpp"
#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

using Batch = std::vector<std::vector<cnn::Tensor>>;

Batch random_batch(Random& random, const cnn::Graph& graph, std::size_t images) {
  Batch batch(images);
  for (auto& inputs : batch) {
    for (const auto& input : graph.inputs) inputs.push_back(random_tensor(random, input.shape));
  }
  return batch;
}

Batch run_alone(Executable& executable, const Batch& batch) {
  Batch alone;
  for (const auto& inputs : batch) {
    auto outputs = executable.run(inputs);
    EXPECT_TRUE(outputs.ok()) << outputs.error().message;
    alone.push_back(outputs.ok() ? *outputs : std::vector<cnn::Tensor>{});
  }
  return alone;
}

// A single run after the batch too: it must leave nothing behind.
void expect_bits(Executable& executable, const Batch& batch, const Batch& alone) {
  const auto together = executable.run_many(batch);
  ASSERT_TRUE(together.ok()) << together.error().message;
  ASSERT_EQ(together->size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ASSERT_EQ((*together)[i].size(), alone[i].size());
    EXPECT_TRUE(same_bits((*together)[i], alone[i])) << "image " << i << " of " << batch.size();
  }
  const auto again = executable.run(batch.front());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(same_bits(*again, alone.front())) << "after a batch";
}

// With all weights in memory, and streamed from a file, none and half of them kept.
void expect_the_bits_of_single_runs(const cnn::Graph& graph, std::size_t images, int threads,
                                    bool gains) {
  const auto engine = make_onednn_engine(threads);
  auto executable = engine->compile(graph);
  ASSERT_TRUE(executable.ok()) << executable.error().message;
  EXPECT_EQ((*executable)->gains_from_batches(), gains);
  Random random(images);
  const auto batch = random_batch(random, graph, images);
  const auto alone = run_alone(**executable, batch);
  expect_bits(**executable, batch, alone);
  if (!gains) return;  // run after run, as packed_test streams them

  const TemporaryFolder folder;
  executable = engine->compile(graph, {folder.path() / "packed", digest_of("key"), {}});
  ASSERT_TRUE(executable.ok()) << executable.error().message;
  for (const std::size_t kept : {std::size_t{0}, (*executable)->footprint().streamable / 2}) {
    SCOPED_TRACE(std::to_string(kept) + " bytes kept");
    (*executable)->keep_weights(kept);
    expect_bits(**executable, batch, alone);
  }
}

std::string dense(Net& net, const std::string& x, std::int64_t from, std::int64_t to,
                  bool transposed = true) {
  const cnn::Shape shape = transposed ? cnn::Shape{to, from} : cnn::Shape{from, to};
  return net.add("Gemm", {x, net.weight(shape), net.weight({to})},
                 {{"transB", std::int64_t{transposed ? 1 : 0}}});
}

// Convolutions, then layers of which some are added to what came long before, or read twice.
cnn::Graph random_net(std::uint64_t seed) {
  Net net(seed);
  auto& random = net.random();
  const auto image = net.input({1, 4, 6, 6});
  auto x = net.add("Relu", {net.conv(image, {8, 4, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}})});
  x = net.add("Flatten", {x});
  std::vector<std::string> live{dense(net, x, 288, 96), net.input({1, 96})};
  for (int i = 0; i < 8; ++i) {
    const auto& a = live[random.below(live.size())];
    const auto& b = live[random.below(live.size())];
    switch (random.below(4)) {
      case 0:
        live.push_back(net.add("Relu", {dense(net, a, 96, 96, random.below(2) == 0)}));
        break;
      case 1:
        live.push_back(net.add("Add", {dense(net, a, 96, 96), b}));
        break;
      case 2:
        live.push_back(dense(net, net.add("Concat", {a, b}, {{"axis", std::int64_t{1}}}), 192, 96));
        break;
      default:
        live.push_back(net.add("Softmax", {a}, {{"axis", std::int64_t{1}}}));
    }
  }
  net.output(live.back());
  net.output(live[live.size() - 1 - random.below(4)]);
  const auto graph = net.graph();
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  return *graph;
}

TEST(Batch, OfRandomNetsHasTheBitsOfSingleRuns) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    expect_the_bits_of_single_runs(random_net(seed), 1 + seed % 6, seed % 2 == 0 ? 1 : 3, true);
  }
}

TEST(Batch, OfLayersLargerThanTheCacheHasTheBitsOfSingleRuns) {
  Net net(7);
  const auto x = net.add("Relu", {dense(net, net.input({1, 5000}), 5000, 700)});
  net.output(dense(net, x, 700, 1000, false));
  const auto graph = net.graph();
  ASSERT_TRUE(graph.ok());
  for (const int threads : {1, 2}) expect_the_bits_of_single_runs(*graph, 5, threads, true);
}

// More is carried between the layers than a batch may hold: it is done in parts.
TEST(Batch, OfManyLargeMapsHasTheBitsOfSingleRuns) {
  Net net(8);
  const auto wide = net.add("Relu", {net.input({1, 60000})});
  const auto x = dense(net, wide, 60000, 32);
  net.output(x);
  net.output(wide);
  const auto graph = net.graph();
  ASSERT_TRUE(graph.ok());
  expect_the_bits_of_single_runs(*graph, 20, 2, true);
}

TEST(Batch, OfConvolutionsAloneIsSeveralRuns) {
  Net net(9);
  net.output(net.conv(net.input({1, 3, 8, 8}), {16, 3, 3, 3}));
  const auto graph = net.graph();
  ASSERT_TRUE(graph.ok());
  expect_the_bits_of_single_runs(*graph, 3, 2, false);
}

TEST(Batch, OfConvolutionsWithASmallLayerThatReadsItsWeightsIsSeveralRuns) {
  Net net(11);
  auto x = net.conv(net.input({1, 32, 32, 32}), {64, 32, 3, 3});
  x = net.add("Flatten", {net.add("GlobalAveragePool", {x})});
  net.output(dense(net, x, 64, 10));
  const auto graph = net.graph();
  ASSERT_TRUE(graph.ok());
  expect_the_bits_of_single_runs(*graph, 3, 2, false);
}

// 34 pieces of two shapes, 16 lanes: arguments of each piece and lane would be 700 KB.
TEST(Batch, OfALayerInManyPiecesKeepsArgumentsOfTheirShapesOnly) {
  Net net(12);
  net.output(dense(net, net.input({1, 5000}), 5000, 1600));
  const auto graph = net.graph();
  ASSERT_TRUE(graph.ok());
  const auto engine = make_onednn_engine(16);
  ASSERT_TRUE(engine->compile(*graph).ok());  // oneDNN keeps the code
  const auto before = ::mallinfo2().uordblks;
  const auto executable = engine->compile(*graph);
  ASSERT_TRUE(executable.ok());
  EXPECT_LT(::mallinfo2().uordblks, before + (std::size_t{200} << 10U));
}

TEST(Batch, WithOneWrongInputIsRefused) {
  Net net(10);
  net.output(dense(net, net.input({1, 64}), 64, 64));
  const auto graph = net.graph();
  ASSERT_TRUE(graph.ok());
  const auto executable = make_onednn_engine(1)->compile(*graph);
  ASSERT_TRUE(executable.ok());
  Random random(1);
  Batch batch = random_batch(random, *graph, 3);
  batch[1][0] = random_tensor(random, {1, 63});
  const auto outputs = (*executable)->run_many(batch);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind, ErrorKind::invalid);
  EXPECT_TRUE((*executable)->run_many({})->empty());
}

class BatchOfZoo : public testing::TestWithParam<std::string> {};

TEST_P(BatchOfZoo, HasTheBitsOfSingleRuns) {
  const auto graph = zoo::make(GetParam(), 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  // The others' fully connected layers are a tenth of their time and less.
  expect_the_bits_of_single_runs(*graph, 2, 2, GetParam() == std::string("alexnet"));
}

INSTANTIATE_TEST_SUITE_P(Networks, BatchOfZoo, testing::ValuesIn(zoo::names()),
                         [](const auto& test) { return test.param; });

TEST(BatchPlan, StretchesEndAtSharedStepsAndCarryWhatIsInUseThere) {
  // Buffer 7 lives over the shared step 2, 8 goes into it, 9 comes out of it, 5 ends before.
  const BatchPlan plan =
      plan_batch({false, false, true, false},
                 {{5, 10, 0, 1}, {7, 100, 0, 3}, {8, 10, 1, 2}, {9, 20, 2, 4}, {6, 10, 2, 2}});
  ASSERT_EQ(plan.stretches.size(), 3U);
  EXPECT_TRUE(plan.stretches[1].shared);
  EXPECT_EQ(plan.stretches[0].end, 2U);
  ASSERT_EQ(plan.carried.size(), 3U);
  EXPECT_EQ(plan.carried[0].buffer, 7U);
  EXPECT_EQ(plan.carried[1].buffer, 8U);
  EXPECT_EQ(plan.carried[2].buffer, 9U);
  EXPECT_EQ(plan.stretches[0].out, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(plan.stretches[2].in, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(plan.stretches[2].out, (std::vector<std::size_t>{2}));
  EXPECT_EQ(plan.image_bytes, 128U + 64U + 64U);
}

}  // namespace
}  // namespace hyps::engine::test
