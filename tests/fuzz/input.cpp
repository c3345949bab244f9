// What a user publishes: a JPEG, PNG, PPM, .npy, .npz or TensorProto. It becomes the model's
// inputs, of exactly their types and shapes, or an error.
#include "common/image/image.hpp"
#include "common/onnx/onnx.hpp"
#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  const cnn::Value wanted{"image", cnn::DType::f32, {1, 3, 8, 8}};
  image::Preprocess settings;
  settings.size = 9;
  const Blob payload = Blob::of(fuzz::text_of(data, size));
  const std::vector<cnn::Value> several{wanted, {"size", cnn::DType::i64, {1, 2}}};
  for (const auto& inputs : {std::vector<cnn::Value>{wanted}, several}) {
    const auto tensors = image::ingest(payload, settings, inputs, onnx::parse_tensor);
    if (!tensors.ok()) {
      fuzz::require(!tensors.error().message.empty(), "an error without a message");
      continue;
    }
    fuzz::require(tensors->size() == inputs.size(), "a wrong number");
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const cnn::Tensor& tensor = tensors->at(i);
      fuzz::require(tensor.shape == inputs[i].shape && tensor.type == inputs[i].type,
                    "a wrong shape");
      fuzz::require(tensor.data.size() == static_cast<std::size_t>(inputs[i].bytes()),
                    "a wrong size");
    }
  }
  return 0;
}
