// An ONNX file, beside which there is a file of weights. A graph that is read can be written and
// read again with the same nodes.
#include "common/onnx/onnx.hpp"

#include "common/base/file.hpp"
#include "tests/fuzz/check.hpp"

namespace hyps::fuzz {
namespace {

constexpr std::size_t kWeightBytes = 64 << 10;

struct Folders {
  TemporaryFolder in{"hyps-fuzz"};
  TemporaryFolder out{"hyps-fuzz"};
  Folders() {
    const std::string zeros(kWeightBytes, '\0');
    require(write_file(in.path() / "weights.bin", zeros).ok(), "cannot write the weights");
  }
};

void save_and_load(const cnn::Graph& graph, const std::filesystem::path& file) {
  const Status saved = onnx::save(graph, file);
  require(saved.ok(), "a graph that was read cannot be written: " +
                          (saved.ok() ? std::string() : saved.error().message));
  const auto again = onnx::load(file);
  require(again.ok(), "a graph that was written cannot be read: " +
                          (again.ok() ? std::string() : again.error().message));
  require(again->nodes.size() == graph.nodes.size(), "a graph's nodes changed");
  require(again->weights.size() == graph.weights.size(), "a graph's weights changed");
}

// So many bytes are worth writing out; a file may ask for gigabytes of one repeated value.
bool is_small(const cnn::Graph& graph) {
  std::int64_t bytes = 0;
  for (const auto& [name, weight] : graph.weights) {
    bytes += static_cast<std::int64_t>(weight.data.size());
  }
  return bytes < (1 << 20);
}

}  // namespace
}  // namespace hyps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  static const fuzz::Folders folders;
  const auto file = folders.in.path() / "model.onnx";
  fuzz::require(write_file(file, std::as_bytes(std::span(data, size))).ok(), "cannot write");
  (void)onnx::external_files(file);
  const auto graph = onnx::load(file);
  if (!graph.ok()) {
    fuzz::require(!graph.error().message.empty(), "an error without a message");
    return 0;
  }
  if (fuzz::is_small(*graph)) fuzz::save_and_load(*graph, folders.out.path() / "model.onnx");
  return 0;
}
