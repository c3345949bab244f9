#include "common/cnn/tensor.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "common/cnn/limits.hpp"

namespace hyps::cnn {

std::size_t size_of(DType type) {
  switch (type) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::i64:
      return 8;
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  return 1;
}

const char* to_string(DType type) {
  switch (type) {
    case DType::f32:
      return "float32";
    case DType::i64:
      return "int64";
    case DType::i32:
      return "int32";
    case DType::u8:
      return "uint8";
    case DType::boolean:
      return "bool";
  }
  return "unknown";
}

// Stops at kCountCeiling: a hostile shape must not overflow before shape_fault refuses it.
std::int64_t element_count(const Shape& shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t e) { return e <= 0; })) return 0;
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent > kCountCeiling / count) return kCountCeiling;
    count *= extent;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t extent : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text;
}

Result<Shape> parse_shape(const std::string& text) {
  Shape shape;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t extent = 0;
    const auto [stop, code] = std::from_chars(at, end, extent);
    if (code != std::errc{} || extent < 1) break;
    shape.push_back(extent);
    if (stop == end) return shape;
    if (*stop != 'x') break;
    at = stop + 1;
  }
  return Error{ErrorKind::invalid, "'" + text + "' is no shape; write one as 1x3x224x224"};
}

Tensor Tensor::floats(Shape shape, std::vector<float> values) {
  assert(element_count(shape) == static_cast<std::int64_t>(values.size()));
  return {DType::f32, std::move(shape), Blob::of(std::move(values))};
}

Tensor Tensor::integers(Shape shape, std::vector<std::int64_t> values) {
  assert(element_count(shape) == static_cast<std::int64_t>(values.size()));
  return {DType::i64, std::move(shape), Blob::of(std::move(values))};
}

}  // namespace hyps::cnn
