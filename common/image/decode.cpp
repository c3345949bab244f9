#include <fmt/format.h>

#include "common/image/decoders.hpp"

namespace hyps::image {

Status check_size(std::int64_t width, std::int64_t height, const Limits& limits) {
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
  const std::int64_t needed = 3 * width * height + limits.more_bytes;
  if (needed > limits.most_bytes) {
    constexpr double kMega = 1e6;
    return Error{
        ErrorKind::invalid,
        fmt::format("the image has {}x{} pixels and needs {:.1f} MB to be decoded, and there are "
                    "{:.1f} MB for it; send a smaller one or give the safe zone more memory",
                    width, height, static_cast<double>(needed) / kMega,
                    static_cast<double>(limits.most_bytes) / kMega)};
  }
  return {};
}

bool looks_like_image(const Blob& bytes) {
  return is_jpeg(bytes) || is_png(bytes) || is_ppm(bytes);
}

Result<Image> decode(const Blob& bytes, std::int64_t most_bytes) {
  if (is_jpeg(bytes)) return decode_jpeg(bytes, most_bytes);
  if (is_png(bytes)) return decode_png(bytes, most_bytes);
  if (is_ppm(bytes)) return decode_ppm(bytes, most_bytes);
  if (bytes.empty()) return Error{ErrorKind::invalid, "the image is empty: no bytes"};
  return Error{ErrorKind::invalid,
               fmt::format("these {} bytes are no image: JPEG, PNG and PPM (P6) are understood",
                           bytes.size())};
}

}  // namespace hyps::image
