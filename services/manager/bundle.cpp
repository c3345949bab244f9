#include "services/manager/bundle.hpp"

#include <nlohmann/json.hpp>
#include <system_error>

#include "common/base/file.hpp"
#include "common/image/image.hpp"
#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"

namespace hyps::manager {

namespace {

using partition::Kind;
using partition::Partition;

nlohmann::json to_json(const std::vector<cnn::Value>& values) {
  auto list = nlohmann::json::array();
  for (const cnn::Value& value : values) {
    list.push_back(
        {{"name", value.name}, {"type", cnn::to_string(value.type)}, {"shape", value.shape}});
  }
  return list;
}

std::string manifest_of(const partition::Plan& plan, const Partition& part) {
  const nlohmann::json manifest{{"kind", partition::to_string(part.kind)},
                                {"partition", part.name.text},
                                {"plan", plan.id().text},
                                {"inputs", to_json(part.inputs)},
                                {"outputs", to_json(part.outputs)},
                                {"memory_bytes", part.memory_bytes()}};
  return manifest.dump(2) + "\n";
}

// Settings are checked here, so that a bad file is refused at deployment and not at the first
// image.
Status write_ingest(const BundleInputs& inputs, const std::filesystem::path& dir) {
  const std::string yaml =
      inputs.preprocess.empty() ? image::to_yaml(image::Preprocess{}) : inputs.preprocess;
  auto settings = image::parse_preprocess(yaml);
  if (!settings) return settings.error().about("preprocess.yaml");
  return write_file(dir / "preprocess.yaml", yaml);
}

Status write_content(const cnn::Graph& graph, const partition::Plan& plan, const Partition& part,
                     const BundleInputs& inputs, const std::filesystem::path& dir) {
  switch (part.kind) {
    case Kind::ingest:
      return write_ingest(inputs, dir);
    case Kind::report:
      // The hub stores no empty files.
      return inputs.labels.empty() ? Status() : write_file(dir / "labels.txt", inputs.labels);
    case Kind::vertical:
    case Kind::horizontal:
    case Kind::tile:
      break;
  }
  HYPS_TRY(const cnn::Graph piece, partition::extract(graph, plan, part));
  return onnx::save(piece, dir / "model.onnx");
}

}  // namespace

Status write_bundle(const cnn::Graph& graph, const partition::Plan& plan, const Partition& part,
                    const BundleInputs& inputs, const std::filesystem::path& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) {
    return Error{ErrorKind::io, "cannot create " + dir.string() + ": " + error.message()};
  }
  HYPS_CHECK(write_content(graph, plan, part, inputs, dir));
  return write_file(dir / "manifest.json", manifest_of(plan, part));
}

}  // namespace hyps::manager
