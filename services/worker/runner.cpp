#include "services/worker/runner.hpp"

#include <cstdint>
#include <utility>

#include "common/base/file.hpp"
#include "common/image/image.hpp"
#include "common/onnx/onnx.hpp"
#include "services/worker/manifest.hpp"

namespace hyps::worker {

namespace {

constexpr std::size_t kMaxTextBytes = 16U << 20U;  // labels, preprocessing
constexpr std::size_t kAlignment = 16;             // of any element type
constexpr int kTopLabels = 5;

class ManifestRunner : public Runner {
 public:
  explicit ManifestRunner(Manifest manifest) : manifest_(std::move(manifest)) {}
  [[nodiscard]] const std::vector<cnn::Value>& inputs() const override { return manifest_.inputs; }
  [[nodiscard]] const std::vector<cnn::Value>& outputs() const override {
    return manifest_.outputs;
  }

 protected:
  [[nodiscard]] Status check_count(const std::vector<Blob>& given) const {
    if (given.size() == manifest_.inputs.size()) return {};
    return Error{ErrorKind::invalid, manifest_.partition + " takes " +
                                         std::to_string(manifest_.inputs.size()) +
                                         " inputs and was given " + std::to_string(given.size())};
  }
  const Manifest manifest_;
};

Result<cnn::Tensor> tensor_of(const cnn::Value& value, const Blob& bytes) {
  if (std::cmp_not_equal(bytes.size(), value.bytes())) {
    return Error{ErrorKind::invalid,
                 "input '" + value.name + "' has " + std::to_string(bytes.size()) + " bytes; " +
                     cnn::to_string(value.shape) + " needs " + std::to_string(value.bytes())};
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0;
  return cnn::Tensor{value.type, value.shape, aligned ? bytes : Blob::copy_of(bytes.bytes())};
}

// REQUIRES: as many as `values`.
Result<std::vector<cnn::Tensor>> tensors_of(const std::vector<cnn::Value>& values,
                                            const std::vector<Blob>& given) {
  std::vector<cnn::Tensor> tensors;
  for (std::size_t i = 0; i < given.size(); ++i) {
    HYPS_TRY(auto tensor, tensor_of(values[i], given[i]));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

std::vector<Blob> data_of(const std::vector<cnn::Tensor>& tensors) {
  std::vector<Blob> blobs;
  blobs.reserve(tensors.size());
  for (const cnn::Tensor& tensor : tensors) blobs.push_back(tensor.data);
  return blobs;
}

// The inputs were checked before: what the engine says then is not their fault.
Error not_of_the_inputs(const Error& error) {
  return error.kind == ErrorKind::invalid ? Error{ErrorKind::io, error.message} : error;
}

// Vertical and horizontal partitions and tiles: a compiled ONNX graph.
class GraphRunner final : public ManifestRunner {
 public:
  GraphRunner(Manifest manifest, std::unique_ptr<engine::Executable> executable)
      : ManifestRunner(std::move(manifest)), executable_(std::move(executable)) {}

  Result<std::vector<Blob>> run(const std::vector<Blob>& given) override {
    HYPS_CHECK(check_count(given));
    HYPS_TRY(const auto tensors, tensors_of(manifest_.inputs, given));
    const auto results = executable_->run(tensors);
    if (!results) return not_of_the_inputs(results.error());
    return data_of(*results);
  }
  Result<std::vector<std::vector<Blob>>> run_many(
      const std::vector<std::vector<Blob>>& batch) override {
    std::vector<std::vector<cnn::Tensor>> inputs;
    for (const auto& given : batch) {
      HYPS_CHECK(check_count(given));
      HYPS_TRY(inputs.emplace_back(), tensors_of(manifest_.inputs, given));
    }
    const auto results = executable_->run_many(inputs);
    if (!results) return not_of_the_inputs(results.error());
    std::vector<std::vector<Blob>> outputs;
    for (const auto& result : *results) outputs.push_back(data_of(result));
    return outputs;
  }
  [[nodiscard]] bool gains_from_batches() const override {
    return executable_->gains_from_batches();
  }
  [[nodiscard]] engine::Footprint footprint() const override { return executable_->footprint(); }
  void keep_weights(std::size_t bytes) override { executable_->keep_weights(bytes); }
  void prefetch() override { executable_->prefetch(); }

 private:
  std::unique_ptr<engine::Executable> executable_;
};

class IngestRunner final : public ManifestRunner {
 public:
  IngestRunner(Manifest manifest, image::Preprocess settings, std::int64_t image_bytes)
      : ManifestRunner(std::move(manifest)),
        settings_(std::move(settings)),
        image_bytes_(image_bytes) {}

  Result<std::vector<Blob>> run(const std::vector<Blob>& given) override {
    HYPS_CHECK(check_count(given));
    HYPS_TRY(const auto tensors, image::ingest(given[0], settings_, manifest_.outputs,
                                               &onnx::parse_tensor, image_bytes_));
    return data_of(tensors);
  }
  [[nodiscard]] engine::Footprint footprint() const override { return {sizeof(*this), 0, 0, 0}; }

 private:
  image::Preprocess settings_;
  std::int64_t image_bytes_;
};

class ReportRunner final : public ManifestRunner {
 public:
  ReportRunner(Manifest manifest, std::vector<std::string> labels)
      : ManifestRunner(std::move(manifest)), labels_(std::move(labels)) {}

  Result<std::vector<Blob>> run(const std::vector<Blob>& given) override {
    HYPS_CHECK(check_count(given));
    HYPS_TRY(const auto tensors, tensors_of(manifest_.inputs, given));
    return std::vector<Blob>{
        Blob::of(image::report(manifest_.inputs, tensors, labels_, kTopLabels))};
  }
  [[nodiscard]] engine::Footprint footprint() const override {
    std::size_t bytes = sizeof(ReportRunner);
    for (const std::string& label : labels_) bytes += sizeof(std::string) + label.size();
    return {bytes, 0, 0, 0};
  }

 private:
  std::vector<std::string> labels_;
};

using Opened = Result<std::unique_ptr<Runner>>;

Status same_values(const std::vector<cnn::Value>& said, const std::vector<cnn::Value>& found) {
  const auto differs = [](const cnn::Value& a, const cnn::Value& b) {
    return a.name != b.name || a.type != b.type || a.shape != b.shape;
  };
  bool same = said.size() == found.size();
  for (std::size_t i = 0; same && i < said.size(); ++i) same = !differs(said[i], found[i]);
  if (same) return {};
  return Error{ErrorKind::corrupt, "manifest.json and model.onnx disagree on inputs or outputs"};
}

Opened open_graph(const std::filesystem::path& dir, Manifest manifest, engine::Engine& engine,
                  const engine::Packing& packing) {
  HYPS_TRY(const cnn::Graph graph, onnx::load(dir / "model.onnx"));
  HYPS_CHECK(same_values(manifest.inputs, graph.inputs));
  HYPS_CHECK(same_values(manifest.outputs, graph.outputs));
  HYPS_TRY(auto executable, engine.compile(graph, packing));
  return Opened(std::make_unique<GraphRunner>(std::move(manifest), std::move(executable)));
}

Opened open_ingest(const std::filesystem::path& dir, Manifest manifest, std::int64_t image_bytes) {
  HYPS_TRY(const Blob yaml, read_file(dir / "preprocess.yaml", kMaxTextBytes));
  HYPS_TRY(auto settings, image::parse_preprocess(std::string(yaml.text())));
  return Opened(
      std::make_unique<IngestRunner>(std::move(manifest), std::move(settings), image_bytes));
}

Opened open_report(const std::filesystem::path& dir, Manifest manifest) {
  const std::filesystem::path file = dir / "labels.txt";
  Blob labels;
  if (std::filesystem::exists(file)) {
    HYPS_TRY(labels, read_file(file, kMaxTextBytes));
  }
  return Opened(std::make_unique<ReportRunner>(std::move(manifest),
                                               image::parse_labels(std::string(labels.text()))));
}

Opened open_any(const std::filesystem::path& dir, const std::string& kind, engine::Engine& engine,
                const engine::Packing& packing, std::int64_t image_bytes) {
  HYPS_TRY(Manifest manifest, read_manifest(dir / "manifest.json"));
  if (manifest.kind != kind) {
    return Error{ErrorKind::corrupt,
                 "its manifest says '" + manifest.kind + "', expected was '" + kind + "'"};
  }
  if (kind == "ingest") return open_ingest(dir, std::move(manifest), image_bytes);
  if (kind == "report") return open_report(dir, std::move(manifest));
  if (kind == "vertical" || kind == "horizontal" || kind == "tile") {
    return open_graph(dir, std::move(manifest), engine, packing);
  }
  return Error{ErrorKind::unsupported, "partitions of kind '" + kind + "' are not known here"};
}

}  // namespace

Result<std::vector<std::vector<Blob>>> Runner::run_many(
    const std::vector<std::vector<Blob>>& batch) {
  std::vector<std::vector<Blob>> outputs;
  for (const auto& given : batch) {
    HYPS_TRY(outputs.emplace_back(), run(given));
  }
  return outputs;
}

Result<std::unique_ptr<Runner>> open_bundle(const std::filesystem::path& dir,
                                            const std::string& kind, engine::Engine& engine,
                                            const engine::Packing& packing,
                                            std::int64_t image_bytes) {
  auto opened = open_any(dir, kind, engine, packing, image_bytes);
  if (!opened) return opened.error().about("bundle " + dir.string());
  return opened;
}

}  // namespace hyps::worker
