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
Result<Image> decode_jpeg(const Blob& bytes);
Result<Image> decode_png(const Blob& bytes);
Result<Image> decode_ppm(const Blob& bytes);

Status check_size(std::int64_t width, std::int64_t height);

inline Error broken(const char* format, const std::string& why) {
  return {ErrorKind::invalid, std::string("the ") + format + " image cannot be decoded: " + why};
}

}  // namespace hyps::image
