#include <fmt/format.h>

#include "common/cnn/npy.hpp"
#include "common/image/image.hpp"

namespace hyps::image {
namespace {

Result<cnn::Tensor> parse_tensor(const Blob& payload, TensorParser parse_tensor_proto) {
  if (payload.text().starts_with("\x93NUMPY")) return cnn::parse_npy(payload);
  auto tensor = parse_tensor_proto(payload);
  if (tensor.ok()) return tensor;
  return Error{
      ErrorKind::invalid,
      fmt::format("the input of {} bytes is no image (JPEG, PNG, PPM), no .npy file and no "
                  "ONNX TensorProto ({})",
                  payload.size(), tensor.error().message)};
}

}  // namespace

Result<cnn::Tensor> ingest(const Blob& payload, const Preprocess& settings, const cnn::Value& input,
                           TensorParser parse_tensor_proto) {
  if (payload.empty()) {
    return Error{ErrorKind::invalid,
                 "the input is empty; send an image (JPEG, PNG, PPM), a .npy file or an ONNX "
                 "TensorProto"};
  }
  if (looks_like_image(payload)) {
    HYPS_TRY(const Image image, decode(payload));
    return preprocess(image, settings, input);
  }
  HYPS_TRY(cnn::Tensor tensor, parse_tensor(payload, parse_tensor_proto));
  if (tensor.type != input.type || tensor.shape != input.shape) {
    return Error{ErrorKind::invalid,
                 fmt::format("the tensor sent is {} {}; the model's input '{}' is {} {}",
                             cnn::to_string(tensor.type), cnn::to_string(tensor.shape), input.name,
                             cnn::to_string(input.type), cnn::to_string(input.shape))};
  }
  return tensor;
}

}  // namespace hyps::image
