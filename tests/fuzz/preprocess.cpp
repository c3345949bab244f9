// The YAML beside a model. Settings that are read are written and read again as the same, and make
// an input of the right shape from a small picture, or an error.
#include "common/image/image.hpp"
#include "tests/fuzz/check.hpp"

namespace hyps::fuzz {
namespace {

void apply(const image::Preprocess& settings, const cnn::Shape& shape) {
  const image::Image picture{5, 4, std::vector<std::uint8_t>(std::size_t{5} * 4 * 3, 100)};
  const auto tensor = image::preprocess(picture, settings, {"image", cnn::DType::f32, shape});
  if (tensor.ok()) require(tensor->shape == shape, "a wrong shape");
}

}  // namespace
}  // namespace hyps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  const auto settings = image::parse_preprocess(fuzz::text_of(data, size));
  if (!settings.ok()) {
    fuzz::require(!settings.error().message.empty(), "an error without a message");
    return 0;
  }
  const std::string yaml = image::to_yaml(*settings);
  const auto again = image::parse_preprocess(yaml);
  fuzz::require(again.ok(), "settings that were written cannot be read: " + yaml);
  fuzz::require(image::to_yaml(*again) == yaml, "settings change when they are read again");
  for (const cnn::Shape& shape : {cnn::Shape{1, 3, 6, 7}, {1, 6, 7, 3}, {1, 1, 6, 7}}) {
    fuzz::apply(*settings, shape);
  }
  return 0;
}
