// Latency of well-known networks on one and two threads, and of VGG16's convolutions against the
// same convolutions as bare oneDNN primitives with oneDNN's own choice of implementation.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <omp.h>

#include <array>
#include <cstdlib>
#include <dnnl.hpp>

#include "common/base/random.hpp"
#include "common/engine/engine.hpp"
#include "common/zoo/zoo.hpp"

namespace hyps::engine {
namespace {

cnn::Tensor random_input(const cnn::Shape& shape) {
  Random random(1);
  std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
  for (auto& value : values) value = random.uniform(-1, 1);
  return cnn::Tensor::floats(shape, std::move(values));
}

void run_graph(benchmark::State& state, const cnn::Graph& graph) {
  const auto executable = make_onednn_engine(static_cast<int>(state.range(0)))->compile(graph);
  if (!executable.ok()) return state.SkipWithError(executable.error().message.c_str());
  const std::vector inputs{random_input(graph.inputs[0].shape)};
  for (auto _ : state) {
    auto outputs = (*executable)->run(inputs);
    if (!outputs.ok()) return state.SkipWithError(outputs.error().message.c_str());
    benchmark::DoNotOptimize(outputs);
  }
  state.counters["resident_MB"] = static_cast<double>((*executable)->resident_bytes()) / 1e6;
}

void network(benchmark::State& state, const std::string& name) {
  const auto graph = zoo::make(name, 7);
  if (!graph.ok()) return state.SkipWithError(graph.error().message.c_str());
  run_graph(state, *graph);
}

struct Layer {
  std::int64_t inputs, outputs, side;
};

constexpr std::array<Layer, 13> kVgg16{{{3, 64, 224},
                                        {64, 64, 224},
                                        {64, 128, 112},
                                        {128, 128, 112},
                                        {128, 256, 56},
                                        {256, 256, 56},
                                        {256, 256, 56},
                                        {256, 512, 28},
                                        {512, 512, 28},
                                        {512, 512, 28},
                                        {512, 512, 14},
                                        {512, 512, 14},
                                        {512, 512, 14}}};

// One convolution as a network of its own, reorders at both ends included.
void engine_convolution(benchmark::State& state, const Layer& layer) {
  cnn::Graph graph;
  graph.name = "conv";
  graph.inputs = {{"x", cnn::DType::f32, {1, layer.inputs, layer.side, layer.side}}};
  graph.outputs = {{"y", cnn::DType::f32, {}}};
  graph.weights["w"] = random_input({layer.outputs, layer.inputs, 3, 3});
  graph.weights["b"] = random_input({layer.outputs});
  graph.nodes = {
      {"Conv", "conv", {"x", "w", "b"}, {"y"}, {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}}};
  if (const auto status = cnn::infer_shapes(graph); !status.ok()) {
    return state.SkipWithError(status.error().message.c_str());
  }
  run_graph(state, graph);
}

void bare_convolution(benchmark::State& state, const Layer& layer) {
  using dnnl::memory;
  omp_set_num_threads(static_cast<int>(state.range(0)));
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto any = [](const memory::dims& dims) {
    return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
  };
  const dnnl::convolution_forward::desc what(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      any({1, layer.inputs, layer.side, layer.side}), any({layer.outputs, layer.inputs, 3, 3}),
      any({layer.outputs}), any({1, layer.outputs, layer.side, layer.side}), {1, 1}, {1, 1},
      {1, 1});
  const dnnl::convolution_forward::primitive_desc form(what, engine);
  const auto zeroed = [&](const memory::desc& desc) {
    memory result(desc, engine);
    std::fill_n(static_cast<char*>(result.get_data_handle()), desc.get_size(), '\0');
    return result;
  };
  const std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, zeroed(form.src_desc())},
                                                  {DNNL_ARG_WEIGHTS, zeroed(form.weights_desc())},
                                                  {DNNL_ARG_BIAS, zeroed(form.bias_desc())},
                                                  {DNNL_ARG_DST, zeroed(form.dst_desc())}};
  const dnnl::convolution_forward primitive(form);
  for (auto _ : state) primitive.execute(stream, arguments);
}

void add_all() {
  for (const auto& name : zoo::names()) {
    benchmark::RegisterBenchmark(name.c_str(), [name](auto& state) { network(state, name); })
        ->Arg(1)
        ->Arg(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  // Engine and bare primitive alternate, so that a slow minute of the machine hits both.
  for (std::size_t i = 0; i < kVgg16.size(); ++i) {
    const auto layer = kVgg16.at(i);
    const auto engine = fmt::format("vgg16_conv{:02}/engine", i + 1);
    const auto bare = fmt::format("vgg16_conv{:02}/bare", i + 1);
    benchmark::RegisterBenchmark(engine.c_str(),
                                 [layer](auto& state) { engine_convolution(state, layer); })
        ->Arg(1)
        ->Arg(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(bare.c_str(),
                                 [layer](auto& state) { bare_convolution(state, layer); })
        ->Arg(1)
        ->Arg(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace hyps::engine

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  hyps::engine::add_all();
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}
