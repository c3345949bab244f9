#include <fmt/format.h>

#include "common/image/decoders.hpp"

namespace hyps::image {

Status check_size(std::int64_t width, std::int64_t height) {
  if (width <= 0 || height <= 0) {
    return Error{ErrorKind::invalid,
                 fmt::format("the image is empty: {}x{} pixels", width, height)};
  }
  if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) {
    return Error{ErrorKind::invalid,
                 fmt::format("the image has {}x{} pixels; send one of at most {} million, and no "
                             "side above {}",
                             width, height, kMaxPixels / 1'000'000, kMaxSide)};
  }
  return {};
}

bool looks_like_image(const Blob& bytes) {
  return is_jpeg(bytes) || is_png(bytes) || is_ppm(bytes);
}

Result<Image> decode(const Blob& bytes) {
  if (is_jpeg(bytes)) return decode_jpeg(bytes);
  if (is_png(bytes)) return decode_png(bytes);
  if (is_ppm(bytes)) return decode_ppm(bytes);
  if (bytes.empty()) return Error{ErrorKind::invalid, "the image is empty: no bytes"};
  return Error{ErrorKind::invalid,
               fmt::format("these {} bytes are no image: JPEG, PNG and PPM (P6) are understood",
                           bytes.size())};
}

}  // namespace hyps::image
