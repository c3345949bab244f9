// Packed weights in a file: the same bits as without, nothing of the graph read, damage noticed.
#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "common/base/file.hpp"
#include "common/engine/packed_file.hpp"
#include "graphs.hpp"

namespace hyps::engine::test {
namespace {

namespace fs = std::filesystem;

const Attributes kSame{{"pads", Ints{1, 1, 1, 1}}};

// Everything that makes constants: scaled and plain convolutions, groups, deconvolution, a norm by
// itself, products either way round, slopes, a repeated operand, an operator's reference.
Net net_of_all_constants(std::uint64_t seed) {
  Net net(seed);
  auto x =
      net.add("Relu", {net.norm(net.conv(net.input({1, 3, 12, 12}), {64, 3, 3, 3}, kSame), 64)});
  x = net.add("PRelu",
              {net.conv(x, {64, 8, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}, {"group", std::int64_t{8}}}),
               net.weight({64, 1, 1})});
  x = net.norm(x, 64);
  x = net.add("Mul", {x, net.weight({1, 64, 1, 1})});
  x = net.add("ConvTranspose", {x, net.weight({64, 16, 2, 2})}, {{"strides", Ints{2, 2}}});
  x = net.add("Flatten", {x});
  x = net.add("Gemm", {x, net.weight({9216, 40}), net.weight({40})});
  x = net.add("Gemm", {x, net.weight({70, 40}), net.weight({70})},
              {{"transB", std::int64_t{1}}, {"alpha", 0.5F}});
  x = net.add("Pow", {x, net.constant(cnn::Tensor::floats({1, 1}, {2}))});
  net.output(x);
  return net;
}

cnn::Graph without_values(cnn::Graph graph) {
  for (auto& [name, weight] : graph.weights) {
    if (weight.type != cnn::DType::f32) continue;
    std::vector<float> none(weight.data.size() / sizeof(float),
                            std::numeric_limits<float>::quiet_NaN());
    weight.data = Blob::of(std::move(none));
  }
  return graph;
}

class PackedWeights : public ::testing::Test {
 protected:
  Packing to_file() { return {folder_.path() / "packed", key_, {}}; }
  Packing from_file() {
    auto file = PackedFile::open(folder_.path() / "packed", key_);
    EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
    return {{}, {}, std::make_shared<PackedFile>(*file)};
  }
  std::vector<cnn::Tensor> run(const cnn::Graph& graph, const Packing& packing,
                               const std::vector<cnn::Tensor>& inputs) {
    auto executable = engine_->compile(graph, packing);
    EXPECT_TRUE(executable.ok()) << (executable.ok() ? "" : executable.error().message);
    auto outputs = (*executable)->run(inputs);
    EXPECT_TRUE(outputs.ok());
    return *outputs;
  }
  TemporaryFolder folder_;
  const Digest key_ = digest_of("what was packed");
  std::unique_ptr<Engine> engine_ = make_onednn_engine(2);
};

TEST_F(PackedWeights, GiveTheSameBitsAndTheGraphsOwnAreNotRead) {
  auto net = net_of_all_constants(1);
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  const auto expected = run(graph, {}, inputs);
  EXPECT_EQ(run(graph, to_file(), inputs)[0].data, expected[0].data);
  EXPECT_EQ(run(without_values(graph), from_file(), inputs)[0].data, expected[0].data);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1) << "nothing else is left";
}

TEST_F(PackedWeights, OutliveTheirFile) {
  auto net = net_of_all_constants(1);
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  auto executable = engine_->compile(graph, to_file());
  ASSERT_TRUE(executable.ok());
  fs::remove(folder_.path() / "packed");
  EXPECT_EQ((*(*executable)->run(inputs))[0].data, run(graph, {}, inputs)[0].data);
}

TEST_F(PackedWeights, OfAnotherGraphAreNoticed) {
  auto net = net_of_all_constants(1);
  ASSERT_TRUE(engine_->compile(*net.graph(), to_file()).ok());
  const auto packing = from_file();
  for (const cnn::Shape& weights : {cnn::Shape{64, 3, 3, 3}, {3, 3, 1, 1}}) {
    Net other(2);
    other.output(other.conv(other.input({1, 3, 12, 12}), weights));
    const auto refused = engine_->compile(*other.graph(), packing);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  }
}

TEST_F(PackedWeights, AFolderThatCannotBeWrittenIsAnErrorOfItsOwn) {
  auto net = net_of_all_constants(1);
  const auto refused = engine_->compile(*net.graph(), {folder_.path() / "no" / "folder", key_, {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::io);
}

// How much of the file is in this process's memory: "Rss:" of its mapping.
std::size_t resident_bytes_of(const fs::path& file) {
  std::ifstream maps("/proc/self/smaps");
  std::size_t bytes = 0;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' ')) inside = line.ends_with(file.string());
    if (inside && line.starts_with("Rss:")) bytes += std::stoul(line.substr(4)) * 1024;
  }
  return bytes;
}

// Layers of 256 KB each.
Net wide_net(std::uint64_t seed) {
  Net net(seed);
  auto x = net.input({1, 256});
  for (int i = 0; i < 16; ++i) {
    x = net.add("Gemm", {x, net.weight({256, 256})}, {{"transB", std::int64_t{1}}});
  }
  net.output(x);
  return net;
}

TEST_F(PackedWeights, ThatDoNotStayAreGivenBackAndTheBitsAreTheSame) {
  auto net = wide_net(3);
  const auto graph = *net.graph();
  const auto inputs = net.inputs();
  const auto expected = run(graph, {}, inputs);
  auto executable = *engine_->compile(graph, to_file());
  const auto footprint = executable->footprint();
  EXPECT_EQ(footprint.streamable, footprint.weights);
  EXPECT_GE(footprint.weights, 16U * 256 * 256 * 4);
  EXPECT_LE(footprint.window, 2U * 256 * 256 * 4) << "of two threads";
  const auto file = folder_.path() / "packed";
  for (const std::size_t kept : {std::size_t{0}, footprint.weights / 2, footprint.weights}) {
    executable->keep_weights(kept);
    for (int i = 0; i < 3; ++i) {
      executable->prefetch();
      EXPECT_EQ((*executable->run(inputs))[0].data, expected[0].data);
    }
    // Each has a bit of a page of its own, and the kernel maps neighbours of what is touched.
    const std::size_t neighbours = 256U << 10U;
    EXPECT_LE(resident_bytes_of(file), kept + neighbours);
    EXPECT_GE(resident_bytes_of(file) + neighbours, kept);
  }
  executable->keep_weights(0);
  EXPECT_LE(resident_bytes_of(file), 256U << 10U) << "given back at once";
}

// Of layers that images of a batch do one by one, and of those that they do together.
TEST_F(PackedWeights, AreGivenBackByABatchToo) {
  Net net(4);
  auto x = net.input({1, 256, 2, 2});
  for (int i = 0; i < 6; ++i) x = net.conv(x, {256, 256, 1, 1});
  x = net.add("GlobalAveragePool", {x});
  x = net.add("Flatten", {x});
  for (int i = 0; i < 6; ++i) {
    x = net.add("Gemm", {x, net.weight({256, 256})}, {{"transB", std::int64_t{1}}});
  }
  net.output(x);
  const auto graph = *net.graph();
  const std::vector batch{net.inputs(), net.inputs(), net.inputs()};
  auto executable = *engine_->compile(graph, to_file());
  ASSERT_TRUE(executable->gains_from_batches());
  executable->keep_weights(0);
  for (int i = 0; i < 2; ++i) {
    executable->prefetch();
    const auto outputs = executable->run_many(batch);
    ASSERT_TRUE(outputs.ok());
    for (std::size_t image = 0; image < batch.size(); ++image) {
      EXPECT_EQ((*outputs)[image][0].data, run(graph, {}, batch[image])[0].data);
    }
    EXPECT_LE(resident_bytes_of(folder_.path() / "packed"), 256U << 10U);
  }
}

TEST_F(PackedWeights, InMemoryDoNotStream) {
  auto net = wide_net(3);
  auto executable = *engine_->compile(*net.graph());
  EXPECT_EQ(executable->footprint().streamable, 0U);
  executable->keep_weights(0);
  EXPECT_TRUE(executable->run(net.inputs()).ok());
}

class PackedFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    PackedWriter writer(path_, key_);
    for (const auto& content : contents_) {
      ASSERT_TRUE(writer.append(content.size(), std::as_bytes(std::span(content))).ok());
    }
    ASSERT_FALSE(fs::exists(path_)) << "seen before it is whole";
    ASSERT_TRUE(writer.finish().ok());
  }
  void expect_corrupt(const std::string& bytes) {
    ASSERT_TRUE(write_file(path_, std::string_view(bytes)).ok());
    const auto packed = PackedFile::open(path_, key_);
    ASSERT_FALSE(packed.ok());
    EXPECT_EQ(packed.error().kind, ErrorKind::corrupt);
  }
  [[nodiscard]] std::string file() const {
    return std::string(read_file(path_, 1U << 20U)->text());
  }
  TemporaryFolder folder_;
  const fs::path path_ = folder_.path() / "packed";
  const Digest key_ = digest_of("key");
  const std::vector<std::string> contents_{"", "a", std::string(10'000, 'b'), std::string(63, 'c')};
};

TEST_F(PackedFiles, HoldWhatWasWrittenAligned) {
  const auto packed = PackedFile::open(path_, key_);
  ASSERT_TRUE(packed.ok()) << packed.error().message;
  ASSERT_EQ(packed->constants().size(), contents_.size());
  for (std::size_t i = 0; i < contents_.size(); ++i) {
    const auto& [kind, bytes] = packed->constants()[i];
    EXPECT_EQ(bytes.text(), contents_[i]);
    EXPECT_EQ(kind, contents_[i].size());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % (bytes.size() < 4096 ? 64 : 4096),
              0U);
  }
}

TEST_F(PackedFiles, OfAnotherKeyAreRefused) {
  const auto packed = PackedFile::open(path_, digest_of("other"));
  ASSERT_FALSE(packed.ok());
  EXPECT_EQ(packed.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(PackedFile::open(folder_.path() / "none", key_).error().kind, ErrorKind::not_found);
}

TEST_F(PackedFiles, AreRefusedAtAnyOtherLength) {
  const auto whole = file();
  for (std::size_t size = 0; size < whole.size(); size += 7) expect_corrupt(whole.substr(0, size));
  expect_corrupt(whole + "x");
}

TEST_F(PackedFiles, AreRefusedWithAnyByteOfTheirContentChanged) {
  const auto whole = file();
  const auto changed = [&](std::size_t at) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    return bytes;
  };
  const std::size_t table = whole.size() - contents_.size() * 40;
  for (std::size_t at = 0; at < 56; ++at) expect_corrupt(changed(at));
  for (std::size_t at = table; at < whole.size(); ++at) expect_corrupt(changed(at));
  for (std::size_t at = 4096; at < 14'096; at += 97) expect_corrupt(changed(at));
}

TEST_F(PackedFiles, LeaveNothingWhenUnfinished) {
  {
    PackedWriter writer(folder_.path() / "other", key_);
    ASSERT_TRUE(writer.append(0, std::as_bytes(std::span(contents_[2]))).ok());
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
}

}  // namespace
}  // namespace hyps::engine::test
