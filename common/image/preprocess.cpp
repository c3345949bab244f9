#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/image/image.hpp"
#include "common/image/resize.hpp"

namespace hyps::image {
namespace {

struct Target {
  std::int64_t channels = 3;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

Error misfit(const std::string& why) { return {ErrorKind::invalid, "preprocess: " + why}; }

Result<Target> target_of(const cnn::Value& input, const Preprocess& settings) {
  const cnn::Shape& shape = input.shape;
  if (shape.size() != 4 || shape[0] != 1 || input.type != cnn::DType::f32) {
    return misfit(
        fmt::format("the model's input '{}' is {} {}; an image gives float32 1xCxHxW or "
                    "1xHxWxC",
                    input.name, cnn::to_string(input.type), cnn::to_string(shape)));
  }
  const std::size_t at = settings.channels_last ? 1 : 2;
  const Target target{shape[settings.channels_last ? 3 : 1], shape[at], shape[at + 1]};
  const std::int64_t given = settings.gray ? 1 : 3;
  if (target.channels != given || target.height < 1 || target.width < 1) {
    return misfit(fmt::format(
        "the model's input '{}' is {}, but the settings give {} channel(s) "
        "in {}; see its keys channels and layout",
        input.name, cnn::to_string(shape), given, settings.channels_last ? "nhwc" : "nchw"));
  }
  for (const auto* list : {&settings.mean, &settings.deviation}) {
    if (list->size() != 1 && static_cast<std::int64_t>(list->size()) != given) {
      return misfit(
          fmt::format("mean and deviation need 1 or {} numbers, not {}", given, list->size()));
    }
  }
  return target;
}

// Sides of the whole picture after the resize, as width and height.
std::pair<std::int64_t, std::int64_t> resized(const Image& image, const Preprocess& settings,
                                              const Target& target) {
  const bool own = settings.size == 0;
  const std::int64_t longer_side = std::max(target.width, target.height);
  const std::int64_t usual = (8 * longer_side + 6) / 7;  // no smaller than the model's own
  const std::int64_t size = own ? longer_side : settings.size.value_or(usual);
  switch (settings.resize) {
    case Preprocess::Resize::none:
      return {image.width, image.height};
    case Preprocess::Resize::stretch:
      return {own ? target.width : size, own ? target.height : size};
    case Preprocess::Resize::shorter_side:
      break;
  }
  // The longer side is rounded to the nearest.
  const auto scaled = [size](std::int64_t longer, std::int64_t shorter) {
    return (2 * size * longer + shorter) / (2 * shorter);
  };
  if (image.width <= image.height) return {size, scaled(image.height, image.width)};
  return {scaled(image.width, image.height), size};
}

Pixels gray_of(const Image& image) {
  Pixels result{image.width, image.height, 1, {}};
  result.data.resize(image.rgb.size() / 3);
  for (std::size_t k = 0; k < result.data.size(); ++k) {
    const std::uint8_t* rgb = image.rgb.data() + k * 3;
    // ITU-R 601 in 16-bit fixed point; the three sum to 65536.
    const unsigned luma = rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U;
    result.data[k] = static_cast<std::uint8_t>((luma + 32768U) >> 16);
  }
  return result;
}

// What each of the 256 values becomes in channel c of the result.
std::array<float, 256> table_of(const Preprocess& settings, std::size_t c) {
  const double mean = settings.mean[settings.mean.size() == 1 ? 0 : c];
  const double deviation = settings.deviation[settings.deviation.size() == 1 ? 0 : c];
  std::array<float, 256> table{};
  for (std::size_t x = 0; x < table.size(); ++x) {
    // Exact product: 8 bits times 24 fit a double, so fused or not gives the same bits.
    const double scaled = static_cast<double>(x) * static_cast<double>(settings.scale);
    table[x] = static_cast<float>((scaled - mean) / deviation);
  }
  return table;
}

std::vector<float> normalised(const Pixels& pixels, const Preprocess& settings) {
  const auto channels = static_cast<std::size_t>(pixels.channels);
  const std::size_t plane = pixels.data.size() / channels;
  std::vector<float> values(pixels.data.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const std::array<float, 256> table = table_of(settings, c);
    const std::size_t from = settings.bgr ? 2 - c : c;
    const std::size_t step = settings.channels_last ? channels : 1;
    float* target = values.data() + (settings.channels_last ? c : c * plane);
    for (std::size_t k = 0; k < plane; ++k)
      target[k * step] = table[pixels.data[k * channels + from]];
  }
  return values;
}

}  // namespace

Result<cnn::Tensor> preprocess(const Image& image, const Preprocess& settings,
                               const cnn::Value& input) {
  HYPS_TRY(const Target target, target_of(input, settings));
  const auto [width, height] = resized(image, settings, target);
  const bool fits = settings.center_crop ? width >= target.width && height >= target.height
                                         : width == target.width && height == target.height;
  if (!fits) {
    return misfit(
        fmt::format("the image is {}x{} pixels after its resize, the model takes {}x{}; "
                    "see the keys resize, size and center_crop",
                    width, height, target.width, target.height));
  }
  const Axis x{image.width, width, (width - target.width) / 2, target.width};
  const Axis y{image.height, height, (height - target.height) / 2, target.height};
  const Pixels pixels = settings.gray
                            ? resize(gray_of(image), x, y)
                            : resize(PixelView(image.width, image.height, 3, image.rgb), x, y);
  return cnn::Tensor::floats(input.shape, normalised(pixels, settings));
}

}  // namespace hyps::image
