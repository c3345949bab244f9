#include "services/worker/manifest.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/base/file.hpp"

namespace hyps::worker {

namespace {

constexpr std::size_t kMaxManifestBytes = 4U << 20U;
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 40U;

std::optional<cnn::DType> type_from(const std::string& text) {
  using cnn::DType;
  for (const DType type : {DType::f32, DType::i64, DType::i32, DType::u8, DType::boolean}) {
    if (text == cnn::to_string(type)) return type;
  }
  return std::nullopt;
}

Result<cnn::Value> value_from(const nlohmann::json& json) {
  cnn::Value value;
  value.name = json.at("name").get<std::string>();
  const auto type = type_from(json.at("type").get<std::string>());
  if (!type) return Error{ErrorKind::invalid, "unknown type of '" + value.name + "'"};
  value.type = *type;
  std::int64_t elements = 1;
  for (const auto& extent : json.at("shape")) {
    const auto size = extent.get<std::int64_t>();
    if (size < 0 || size > kMaxExtent || (size > 0 && elements > kMaxExtent / size)) {
      return Error{ErrorKind::invalid, "bad shape of '" + value.name + "'"};
    }
    elements *= size;
    value.shape.push_back(size);
  }
  return value;
}

Result<std::vector<cnn::Value>> values_from(const nlohmann::json& json) {
  std::vector<cnn::Value> values;
  for (const auto& item : json) {
    HYPS_TRY(auto value, value_from(item));
    values.push_back(std::move(value));
  }
  if (values.empty()) return Error{ErrorKind::invalid, "inputs and outputs may not be empty"};
  return values;
}

Result<Manifest> manifest_from(const nlohmann::json& json) {
  Manifest manifest;
  manifest.kind = json.at("kind").get<std::string>();
  manifest.partition = json.at("partition").get<std::string>();
  manifest.plan = json.at("plan").get<std::string>();
  HYPS_TRY(manifest.inputs, values_from(json.at("inputs")));
  HYPS_TRY(manifest.outputs, values_from(json.at("outputs")));
  manifest.memory_bytes = json.at("memory_bytes").get<std::int64_t>();
  return manifest;
}

}  // namespace

Result<Manifest> read_manifest(const std::filesystem::path& file) {
  HYPS_TRY(const Blob text, read_file(file, kMaxManifestBytes));
  try {
    auto manifest = manifest_from(nlohmann::json::parse(text.text()));
    if (!manifest) return manifest.error().about(file.string());
    return manifest;
  } catch (const nlohmann::json::exception& problem) {
    return Error{ErrorKind::invalid, file.string() + " is no manifest: " + problem.what()};
  }
}

}  // namespace hyps::worker
