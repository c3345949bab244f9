// Latency of well-known networks on one and two threads, and of VGG16's convolutions against the
// same convolutions as bare oneDNN primitives with oneDNN's own choice of implementation.
#include <omp.h>

#include <array>
#include <dnnl.hpp>
#include <memory>

#include "common/engine/engine.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/report.hpp"

namespace {

using namespace hyps;

// A network and its input.
class Runner {
 public:
  Runner(const cnn::Graph& graph, int threads)
      : inputs_{bench::random_input(graph.inputs[0].shape)} {
    auto compiled = engine::make_onednn_engine(threads)->compile(graph);
    if (!compiled.ok()) bench::fail(compiled.error().message);
    executable_ = std::move(*compiled);
  }
  void run() const {
    if (!executable_->run(inputs_).ok()) bench::fail("a network fails");
  }
  [[nodiscard]] double resident_mb() const {
    return static_cast<double>(executable_->resident_bytes()) / 1e6;
  }

 private:
  std::vector<cnn::Tensor> inputs_;
  std::unique_ptr<engine::Executable> executable_;
};

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
cnn::Graph one_convolution(const Layer& layer) {
  cnn::Graph graph;
  graph.name = "conv";
  graph.inputs = {{"x", cnn::DType::f32, {1, layer.inputs, layer.side, layer.side}}};
  graph.outputs = {{"y", cnn::DType::f32, {}}};
  graph.weights["w"] = bench::random_input({layer.outputs, layer.inputs, 3, 3});
  graph.weights["b"] = bench::random_input({layer.outputs});
  graph.nodes = {
      {"Conv", "conv", {"x", "w", "b"}, {"y"}, {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}}};
  if (const auto status = cnn::infer_shapes(graph); !status.ok()) {
    bench::fail(status.error().message);
  }
  return graph;
}

// The same as nothing but oneDNN's primitive.
class BareConvolution {
 public:
  explicit BareConvolution(const Layer& layer) {
    using dnnl::memory;
    const auto any = [](const memory::dims& dims) {
      return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
    };
    const dnnl::convolution_forward::desc what(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
        any({1, layer.inputs, layer.side, layer.side}), any({layer.outputs, layer.inputs, 3, 3}),
        any({layer.outputs}), any({1, layer.outputs, layer.side, layer.side}), {1, 1}, {1, 1},
        {1, 1});
    const dnnl::convolution_forward::primitive_desc form(what, engine_);
    const auto zeroed = [&](const memory::desc& desc) {
      memory result(desc, engine_);
      std::fill_n(static_cast<char*>(result.get_data_handle()), desc.get_size(), '\0');
      return result;
    };
    arguments_ = {{DNNL_ARG_SRC, zeroed(form.src_desc())},
                  {DNNL_ARG_WEIGHTS, zeroed(form.weights_desc())},
                  {DNNL_ARG_BIAS, zeroed(form.bias_desc())},
                  {DNNL_ARG_DST, zeroed(form.dst_desc())}};
    primitive_ = dnnl::convolution_forward(form);
  }
  void run(int threads) {
    omp_set_num_threads(threads);
    primitive_.execute(stream_, arguments_);
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::unordered_map<int, dnnl::memory> arguments_;
  dnnl::convolution_forward primitive_;
};

void measure_networks(const std::vector<std::string>& names, int threads,
                      const bench::Options& options, bench::Report& report) {
  for (const std::string& name : names) {
    const auto graph = zoo::make(name, 7);
    if (!graph.ok()) bench::fail(graph.error().message);
    const Runner runner(*graph, threads);
    const auto ms = bench::alternate(options.rounds, {[&] { runner.run(); }});
    report.add({.name = fmt::format("{}, {} thread(s)", name, threads),
                .unit = "ms",
                .a = {"whole network", ms[0]},
                .more = {{"resident_MB", runner.resident_mb()}}});
  }
}

void measure_convolutions(int threads, const bench::Options& options, bench::Report& report) {
  for (std::size_t i = 0; i < kVgg16.size(); ++i) {
    const Runner runner(one_convolution(kVgg16.at(i)), threads);
    BareConvolution bare(kVgg16.at(i));
    const auto ms =
        bench::alternate(options.rounds, {[&] { runner.run(); }, [&] { bare.run(threads); }});
    report.add({.name = fmt::format("vgg16, convolution {}, {} thread(s)", i + 1, threads),
                .unit = "ms",
                .a = {"engine", ms[0]},
                .b = bench::Side{"bare primitive", ms[1]}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Networks, and VGG16's convolutions against bare primitives"};
  bench::Options options;
  options.add_to(app);
  std::vector<std::string> names = zoo::names();
  app.add_option("--models", names, "As hyps make-model names them [all]")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] {
    bench::Report report("engine", options);
    for (const int threads : {1, 2}) {
      measure_networks(names, threads, options, report);
      measure_convolutions(threads, options, report);
    }
    return report.finish();
  });
}
