#include "services/cli/inputs.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"

namespace hyps::cli {

namespace {

constexpr std::size_t kMaxConstantBytes = 256U << 20U;

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

Status add_named(const std::string& text, std::size_t equals, onnx::GivenInputs& given) {
  const std::string name = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  if (given.shapes.contains(name) || given.constants.contains(name)) {
    return invalid(fmt::format("--input {}: '{}' is given twice", text, name));
  }
  if (const auto shape = cnn::parse_shape(value)) {
    given.shapes[name] = *shape;
    return {};
  }
  if (!value.ends_with(".npy")) {
    return invalid(
        fmt::format("--input {}: write NAME=SHAPE, as in {}=1x3x224x224, or "
                    "NAME=FILE.npy",
                    text, name));
  }
  HYPS_TRY(const Blob file, read_file(value, kMaxConstantBytes));
  auto tensor = cnn::parse_npy(file);
  if (!tensor) return tensor.error().about(value);
  given.constants[name] = std::move(*tensor);
  return {};
}

Status add(const std::string& text, Inputs& inputs) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(text, ignored)) {
    if (!inputs.payload.empty()) {
      return invalid(fmt::format("--input {}: there is {} already; several inputs go into one .npz",
                                 text, inputs.payload));
    }
    inputs.payload = text;
    return {};
  }
  if (const auto shape = cnn::parse_shape(text)) {
    if (!inputs.given.shape.empty()) {
      return invalid(fmt::format("--input {}: of which input? Write NAME={}", text, text));
    }
    inputs.given.shape = *shape;
    return {};
  }
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return add_named(text, equals, inputs.given);
  return Error{ErrorKind::not_found,
               fmt::format("--input {}: it is no shape, as 1x3x224x224 is, and no file", text)};
}

}  // namespace

Result<Inputs> parse_inputs(const std::vector<std::string>& texts) {
  Inputs inputs;
  for (const std::string& text : texts) HYPS_CHECK(add(text, inputs));
  return inputs;
}

}  // namespace hyps::cli
