// Images to network inputs: decode (JPEG, PNG, PPM) and preprocess. The only folder that includes
// libjpeg or libpng. Pure functions; the same image and settings give the same bits everywhere.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::image {

struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  // interleaved, width * height * 3
};

inline constexpr std::int64_t kMaxPixels = 64'000'000;
inline constexpr std::int64_t kMaxSide = 65'500;

inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

// `most_bytes`: of memory, for the pixels and for what decoding them needs. Errors: invalid (no
// image, truncated, larger than kMaxPixels, kMaxSide or the memory: told from the header, before
// memory is taken).
Result<Image> decode(const Blob& bytes, std::int64_t most_bytes = kNoLimit);
bool looks_like_image(const Blob& bytes);  // by its magic number

// The small YAML beside a model; README.md documents each key. Unknown keys are errors.
struct Preprocess {
  enum class Resize { none, stretch, shorter_side };
  Resize resize = Resize::shorter_side;
  // Of the shorter side, or of both for stretch; 0: the model's own; none: 8/7 of that, as
  // ImageNet's 256 is of 224.
  std::optional<int> size;
  bool center_crop = true;   // to the model's input size
  bool bgr = false;          // channel order
  bool gray = false;         // one channel: ITU-R 601 luma
  float scale = 1.0F / 255;  // y = (x * scale - mean) / deviation, per channel in channel order
  std::vector<float> mean{0.485F, 0.456F, 0.406F};  // one value, or one per channel
  std::vector<float> deviation{0.229F, 0.224F, 0.225F};
  bool channels_last = false;  // NHWC instead of NCHW
};
Result<Preprocess> parse_preprocess(const std::string& yaml);
std::string to_yaml(const Preprocess& preprocess);

// REQUIRES nothing of the image: any size works. `input` is the model's input ([1,C,H,W] or
// [1,H,W,C]); an error if the settings cannot give that shape.
Result<cnn::Tensor> preprocess(const Image& image, const Preprocess& settings,
                               const cnn::Value& input);

// The ingest partition: the model's inputs, in order, each of its type and shape, or an error. An
// image is decoded and preprocessed, an ONNX TensorProto or .npy taken as it is; they are a model's
// only input. An .npz has an array for each input, by name. `most_bytes` as of decode().
// (TensorProto parsing is passed in, because ONNX lives in its own folder.)
using TensorParser = Result<cnn::Tensor> (*)(const Blob&);
Result<std::vector<cnn::Tensor>> ingest(const Blob& payload, const Preprocess& settings,
                                        const std::vector<cnn::Value>& inputs,
                                        TensorParser parse_tensor_proto,
                                        std::int64_t most_bytes = kNoLimit);

inline constexpr std::int64_t kMaxValuesTold = 4096;  // elements of all outputs together

// The report partition: the part of the JSON answer that depends on the outputs only:
// {"outputs": [{"name","type","shape","digest","values"} …], "top": [{"id","label","score"} …]}.
// "values" of at most kMaxValuesTold elements, "top" only where the model classifies; README.md.
// Numbers print with enough digits to give the same float back. Softmax is not applied: what the
// model says is told. REQUIRES: as many tensors as outputs.
std::string report(const std::vector<cnn::Value>& outputs, const std::vector<cnn::Tensor>& tensors,
                   const std::vector<std::string>& labels, int top);
// One label a line; "n01440764 tench, Tinca tinca" loses its synset id.
std::vector<std::string> parse_labels(const std::string& text);

}  // namespace hyps::image
