// Networks: ONNX files whose structure is mutated, through all that is done to a network before it
// runs, and, where it is small, through its run: by the reference and in the partitions of a plan.
#include <cstring>

#include "common/base/file.hpp"
#include "common/cnn/operator.hpp"
#include "common/onnx/onnx.hpp"
#include "common/partition/layers.hpp"
#include "common/partition/partition.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/mutate.hpp"

#ifndef ONNX_ML
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#endif
#include <onnx/onnx_pb.h>

namespace hyps::fuzz {
namespace {

constexpr std::int64_t kSmallFlops = 20'000'000;
constexpr std::int64_t kSmallBytes = 8 << 20;

std::vector<std::string> words() {
  std::vector<std::string> words;
  for (const auto& op : cnn::all_operators()) words.emplace_back(op.type);
  for (const char* word : {"kernel_shape", "pads", "strides", "dilations", "group", "axis", "axes",
                           "auto_pad", "SAME_UPPER", "ceil_mode", "mode", "linear", "perm", ""}) {
    words.emplace_back(word);
  }
  return words;
}

bool is_small(const cnn::Graph& graph) {
  std::int64_t bytes = 0;
  for (const auto& [name, value] : graph.values) bytes += value.bytes();
  for (const auto& value : graph.inputs) bytes += value.bytes();
  return bytes < kSmallBytes && cnn::cost_of(graph).flops < kSmallFlops;
}

cnn::Tensor zeros(const cnn::Value& value) {
  return {value.type, value.shape,
          Blob::of(std::string(static_cast<std::size_t>(value.bytes()), '\0'))};
}

using Tensors = std::map<std::string, cnn::Tensor>;

void run_partition(const cnn::Graph& graph, const partition::Plan& plan,
                   const partition::Partition& part, Tensors& made) {
  const auto piece = partition::extract(graph, plan, part);
  require(piece.ok(), "a partition of its own plan cannot be extracted");
  std::vector<cnn::Tensor> inputs;
  for (const auto& input : part.inputs) inputs.push_back(made.at(input.name));
  const auto outputs = cnn::run_reference(*piece, inputs);
  require(outputs.ok(), "a partition does not run");
  for (std::size_t i = 0; i < outputs->size(); ++i) made[part.outputs[i].name] = (*outputs)[i];
}

// The plan's pieces give what the whole gives.
void run(const cnn::Graph& graph, const partition::Plan& plan) {
  Tensors made;
  std::vector<cnn::Tensor> inputs;
  for (const auto& value : graph.inputs) {
    inputs.push_back(zeros(value));
    made[value.name] = inputs.back();
  }
  const auto whole = cnn::run_reference(graph, inputs);
  require(whole.ok(), "a network that was read does not run");
  for (const auto& part : plan.partitions) {
    if (part.kind == partition::Kind::ingest || part.kind == partition::Kind::report) continue;
    run_partition(graph, plan, part, made);
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    require(made.at(graph.outputs[i].name).shape == (*whole)[i].shape, "another shape in pieces");
  }
}

void take_through(const cnn::Graph& graph) {
  partition::Request request;
  request.model_name = "net";
  for (const auto& layer : partition::layers_of(graph)) {
    if (layer.slice_axis >= 0 && layer.slice_extent > 1) request.slices[layer.name] = 2;
  }
  request.min_partitions = 3;
  const auto plan = partition::make_plan(graph, request);
  if (!plan.ok()) return require(!plan.error().message.empty(), "an error without a message");
  require(partition::check(*plan).ok(), "a plan that does not pass its check");
  if (is_small(graph)) run(graph, *plan);
}

}  // namespace
}  // namespace hyps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  static const TemporaryFolder folder("hyps-fuzz");
  const auto file = folder.path() / "model.onnx";
  fuzz::require(write_file(file, std::as_bytes(std::span(data, size))).ok(), "cannot write");
  const auto graph = hyps::onnx::load(file);
  if (graph.ok()) {
    fuzz::take_through(*graph);
  } else {
    fuzz::require(!graph.error().message.empty(), "an error without a message");
  }
  return 0;
}

// libFuzzer's own mutations, once in a while, keep it from being blind for broken files.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  using namespace hyps;
  static const auto words = fuzz::words();
  ::onnx::ModelProto model;
  if (seed % 50 == 0 || !model.ParseFromArray(data, static_cast<int>(size))) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  fuzz::Mutator(seed, words).mutate(model);
  std::string bytes;
  if (!model.SerializePartialToString(&bytes) || bytes.size() > max_size) return size;
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
