#include "services/manager/given_inputs.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/base/file.hpp"
#include "common/base/ids.hpp"
#include "common/cnn/npy.hpp"

namespace hyps::manager {

namespace {

using nlohmann::json;

constexpr const char* kIndex = "inputs.json";
constexpr std::size_t kMaxIndexBytes = 1U << 20U;
constexpr std::size_t kMaxConstantBytes = 256U << 20U;

Result<cnn::Shape> shape_from(const json& list) {
  cnn::Shape shape;
  for (const json& extent : list) {
    shape.push_back(extent.get<std::int64_t>());
    if (shape.back() < 1) {
      return Error{ErrorKind::invalid, fmt::format("{} is no extent", shape.back())};
    }
  }
  return shape;
}

Result<cnn::Tensor> constant_from(const std::filesystem::path& folder, const std::string& name) {
  if (!is_valid_name(name)) {
    return Error{ErrorKind::invalid, "'" + name + "' is not allowed as a file's name"};
  }
  HYPS_TRY(const Blob file, read_file(folder / name, kMaxConstantBytes));
  return cnn::parse_npy(file);
}

Result<onnx::GivenInputs> given_from(const json& index, const std::filesystem::path& folder) {
  onnx::GivenInputs given;
  for (const auto& [name, list] : index.at("shapes").items()) {
    HYPS_TRY(given.shapes[name], shape_from(list));
  }
  for (const auto& [name, file] : index.at("constants").items()) {
    HYPS_TRY(given.constants[name], constant_from(folder, file.get<std::string>()));
  }
  return given;
}

}  // namespace

Result<std::vector<std::string>> write_given_inputs(const onnx::GivenInputs& given,
                                                    const std::filesystem::path& folder) {
  json index{{"shapes", given.shapes}, {"constants", json::object()}};
  std::vector<std::string> names{kIndex};
  for (const auto& [name, tensor] : given.constants) {
    names.push_back(fmt::format("input-{}.npy", names.size()));
    index["constants"][name] = names.back();
    HYPS_CHECK(write_file(folder / names.back(), cnn::to_npy(tensor)));
  }
  HYPS_CHECK(write_file(folder / kIndex, index.dump(2) + "\n"));
  return names;
}

Result<onnx::GivenInputs> read_given_inputs(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kIndex)) return onnx::GivenInputs{};
  HYPS_TRY(const Blob text, read_file(folder / kIndex, kMaxIndexBytes));
  try {
    auto given = given_from(json::parse(text.text()), folder);
    if (!given) return given.error().about(kIndex);
    return given;
  } catch (const json::exception& problem) {
    return Error{ErrorKind::invalid, std::string(kIndex) + ": " + problem.what()};
  }
}

}  // namespace hyps::manager
