#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/cnn/limits.hpp"
#include "common/cnn/npy.hpp"
#include "common/image/image.hpp"
#include "common/npz/npz.hpp"

namespace hyps::image {
namespace {

using Values = std::vector<cnn::Value>;

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

std::string named(const cnn::Value& value) {
  return fmt::format("'{}' ({} {})", value.name, cnn::to_string(value.type),
                     cnn::to_string(value.shape));
}

std::string list_of(const Values& inputs) {
  std::vector<std::string> names;
  for (const cnn::Value& input : inputs) names.push_back(named(input));
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<cnn::Tensor> parse_tensor(const Blob& payload, TensorParser parse_tensor_proto) {
  if (payload.text().starts_with("\x93NUMPY")) return cnn::parse_npy(payload);
  auto tensor = parse_tensor_proto(payload);
  if (tensor.ok()) return tensor;
  return invalid(
      fmt::format("the input of {} bytes is no image (JPEG, PNG, PPM), no .npy or .npz file and no "
                  "ONNX TensorProto ({})",
                  payload.size(), tensor.error().message));
}

Status check_fits(const cnn::Tensor& tensor, const cnn::Value& input) {
  if (tensor.type == input.type && tensor.shape == input.shape) return {};
  return invalid(fmt::format("the tensor sent is {} {}; the model's input '{}' is {} {}",
                             cnn::to_string(tensor.type), cnn::to_string(tensor.shape), input.name,
                             cnn::to_string(input.type), cnn::to_string(input.shape)));
}

// Room for every input as float64, the widest that a .npy is read from.
std::uint64_t unpacked_bytes(const Values& inputs) {
  std::int64_t bytes = 0;
  for (const cnn::Value& input : inputs) {
    bytes = cnn::capped_sum(bytes, cnn::capped_product({cnn::element_count(input.shape), 8}));
  }
  return static_cast<std::uint64_t>(bytes) + inputs.size() * npz::kHeaderBytes;
}

Result<std::vector<cnn::Tensor>> from_archive(const Blob& payload, const Values& inputs) {
  auto arrays = npz::parse_npz(payload, unpacked_bytes(inputs));
  if (!arrays) {
    return invalid(
        fmt::format("{}; the model's inputs are {}", arrays.error().message, list_of(inputs)));
  }
  std::vector<cnn::Tensor> tensors;
  for (const cnn::Value& input : inputs) {
    const auto found = arrays->extract(input.name);
    if (found.empty()) {
      return invalid(fmt::format("the archive sent has no array '{}'; the model's inputs are {}",
                                 input.name, list_of(inputs)));
    }
    HYPS_CHECK(check_fits(found.mapped(), input));
    tensors.push_back(found.mapped());
  }
  if (arrays->empty()) return tensors;
  return invalid(
      fmt::format("the archive sent has an array '{}', which is no input of the model; "
                  "those are {}",
                  arrays->begin()->first, list_of(inputs)));
}

// One picture or tensor is one input.
Status check_single(const char* what, const Values& inputs) {
  if (inputs.size() == 1) return {};
  return invalid(fmt::format(
      "the model has {} inputs, {}, and {} is only one of them: send an .npz archive with an array "
      "of each name (numpy.savez), or fix what is the same in every job when the model is deployed "
      "(hyps deploy --input NAME=FILE.npy)",
      inputs.size(), list_of(inputs), what));
}

}  // namespace

Result<std::vector<cnn::Tensor>> ingest(const Blob& payload, const Preprocess& settings,
                                        const Values& inputs, TensorParser parse_tensor_proto,
                                        std::int64_t most_bytes) {
  if (payload.empty()) {
    return invalid(
        "the input is empty; send an image (JPEG, PNG, PPM), a .npy or .npz file or an ONNX "
        "TensorProto");
  }
  if (npz::looks_like_npz(payload)) return from_archive(payload, inputs);
  if (looks_like_image(payload)) {
    HYPS_CHECK(check_single("an image", inputs));
    HYPS_TRY(const Image image, decode(payload, most_bytes));
    HYPS_TRY(cnn::Tensor tensor, preprocess(image, settings, inputs[0]));
    return std::vector<cnn::Tensor>{std::move(tensor)};
  }
  HYPS_TRY(cnn::Tensor tensor, parse_tensor(payload, parse_tensor_proto));
  HYPS_CHECK(check_single("a tensor", inputs));
  HYPS_CHECK(check_fits(tensor, inputs[0]));
  return std::vector<cnn::Tensor>{std::move(tensor)};
}

}  // namespace hyps::image
