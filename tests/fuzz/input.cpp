// What a user publishes: a JPEG, PNG, PPM, .npy or TensorProto. It becomes the model's input, of
// exactly its shape, or an error.
#include "common/image/image.hpp"
#include "common/onnx/onnx.hpp"
#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  const cnn::Value wanted{"image", cnn::DType::f32, {1, 3, 8, 8}};
  image::Preprocess settings;
  settings.size = 9;
  const Blob payload = Blob::of(fuzz::text_of(data, size));
  const auto tensor = image::ingest(payload, settings, wanted, onnx::parse_tensor);
  if (!tensor.ok()) {
    fuzz::require(!tensor.error().message.empty(), "an error without a message");
    return 0;
  }
  fuzz::require(tensor->shape == wanted.shape && tensor->type == wanted.type, "a wrong shape");
  fuzz::require(tensor->data.size() == static_cast<std::size_t>(wanted.bytes()), "a wrong size");
  return 0;
}
