// One decoder for each file format; decode() chooses. Each checks the header against check_size()
// before it takes memory.
#pragma once

#include "common/base/blob.hpp"
#include "common/image/image.hpp"

namespace hyps::image {

bool is_jpeg(const Blob& bytes);
bool is_png(const Blob& bytes);
bool is_ppm(const Blob& bytes);

// REQUIRES: is_jpeg(bytes), and so on.
Result<Image> decode_jpeg(const Blob& bytes, std::int64_t most_bytes);
Result<Image> decode_png(const Blob& bytes, std::int64_t most_bytes);
Result<Image> decode_ppm(const Blob& bytes, std::int64_t most_bytes);

struct Limits {
  std::int64_t most_bytes = kNoLimit;
  std::int64_t more_bytes = 0;  // that decoding takes besides the pixels
};
Status check_size(std::int64_t width, std::int64_t height, const Limits& limits);

inline Error broken(const char* format, const std::string& why) {
  return {ErrorKind::invalid, std::string("the ") + format + " image cannot be decoded: " + why};
}

}  // namespace hyps::image
