// Whole networks on the engine against the same networks, as ONNX files, on OpenCV's DNN module, by
// turns. Built only where OpenCV is found (deploy/install.sh bench).
#include <opencv2/dnn.hpp>
#include <utility>

#include "common/base/file.hpp"
#include "common/engine/engine.hpp"
#include "common/onnx/onnx.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/report.hpp"

namespace hyps::bench {
namespace {

// OpenCV's own maps, over the bytes of `tensor`, which must outlive it.
cv::Mat seen_by_opencv(const cnn::Tensor& tensor) {
  std::vector<int> shape;
  for (const auto extent : tensor.shape) shape.push_back(static_cast<int>(extent));
  return {shape, CV_32F, const_cast<std::byte*>(tensor.data.data())};
}

// A field of protobuf's wire format that holds `bytes`.
std::string field(int number, const std::string& bytes) {
  std::string result(1, static_cast<char>(number << 3 | 2));
  for (auto length = bytes.size();; length >>= 7U) {
    const bool last = length < 0x80;
    result += static_cast<char>((length & 0x7fU) | (last ? 0U : 0x80U));
    if (last) return result + bytes;
  }
}

// OpenCV knows Clip only as it was up to opset 10, with its bounds as attributes.
void write_clip_as_before(cnn::Graph& graph) {
  for (auto& node : graph.nodes) {
    if (node.op != "Clip" || node.inputs.size() != 3) continue;
    node.attributes["min"] = graph.weights.at(node.inputs[1]).f32()[0];
    node.attributes["max"] = graph.weights.at(node.inputs[2]).f32()[0];
    node.inputs.resize(1);
  }
}

// OpenCV reads no weights outside the model's file. Messages of protobuf are merged by writing them
// one after another: so here are the graph without weights, then each weight as a model of its own
// that has only it (ModelProto.graph is field 7, GraphProto.initializer field 5).
std::string as_one_file(cnn::Graph graph, const std::filesystem::path& folder) {
  write_clip_as_before(graph);
  const auto weights = std::exchange(graph.weights, {});
  const auto file = folder / "model.onnx";
  if (const auto saved = onnx::save(graph, file); !saved.ok()) fail(saved.error().message);
  std::ofstream stream(file, std::ios::binary | std::ios::app);
  for (const auto& [name, tensor] : weights) {
    stream << field(7, field(5, onnx::to_tensor_proto(tensor, name)));
  }
  stream.close();
  if (!stream) fail("cannot write " + file.string());
  return file.string();
}

cv::dnn::Net as_opencv_reads_it(const cnn::Graph& graph) {
  const TemporaryFolder folder("hyps-peers");
  auto net = cv::dnn::readNetFromONNX(as_one_file(graph, folder.path()));
  net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
  net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
  return net;
}

double largest_difference(const cnn::Tensor& ours, const cv::Mat& theirs) {
  if (theirs.total() != ours.f32().size()) fail("OpenCV's answer has another size");
  const auto* values = theirs.ptr<float>();
  double worst = 0;
  double scale = 1e-30;
  for (std::size_t i = 0; i < theirs.total(); ++i) {
    scale = std::max(scale, std::abs(static_cast<double>(values[i])));
    worst = std::max(worst, std::abs(static_cast<double>(ours.f32()[i]) - values[i]));
  }
  return worst / scale;
}

void measure(const std::string& model, int threads, const Options& options, Report& report) {
  auto graph = zoo::make(model, 7);
  if (!graph.ok()) fail(graph.error().message);
  const std::vector inputs{random_input(graph->inputs[0].shape)};
  auto executable = engine::make_onednn_engine(threads)->compile(*graph);
  if (!executable.ok()) fail(executable.error().message);
  cv::setNumThreads(threads);
  auto net = as_opencv_reads_it(*graph);

  const auto ours = [&] {
    auto outputs = (*executable)->run(inputs);
    if (!outputs.ok()) fail(outputs.error().message);
    return std::move(outputs->front());
  };
  const auto theirs = [&] {
    net.setInput(seen_by_opencv(inputs[0]));
    return net.forward();
  };
  if (const auto difference = largest_difference(ours(), theirs()); difference > 1e-3) {
    fail(fmt::format("{}: the answers differ by {}", model, difference));
  }
  auto samples = alternate(options.rounds, {[&] { (void)ours(); }, [&] { (void)theirs(); }});
  report.add({.name = fmt::format("{}, threads: {}", model, threads),
              .unit = "ms",
              .a = {"engine", std::move(samples[0])},
              .b = Side{"OpenCV", std::move(samples[1])},
              .aim = ratio_at_most(model == "vgg16" ? 0.5 : 1)});
}

}  // namespace
}  // namespace hyps::bench

int main(int argc, char** argv) {
  using namespace hyps::bench;
  CLI::App app{"The engine's latency over that of OpenCV's DNN module"};
  Options options;
  options.add_to(app);
  std::vector<std::string> models{"vgg16",     "resnet18",      "mobilenet_v2",
                                  "googlenet", "squeezenet1_1", "yolov2"};
  std::vector<int> threads{1, 2};
  app.add_option("--models", models, "Networks, as hyps make-model names them");
  app.add_option("--threads", threads, "Numbers of threads");
  CLI11_PARSE(app, argc, argv);
  return run([&] {
    Report report("peers", options);
    report.note("opencv", CV_VERSION);
    for (const auto& model : models) {
      for (const int count : threads) measure(model, count, options, report);
    }
    return report.finish();
  });
}
