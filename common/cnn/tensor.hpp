// Tensor: a shape, an element type and shared immutable bytes in row-major order. Feature maps are
// float32 NCHW. Copying a Tensor copies a pointer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"

namespace hyps::cnn {

enum class DType : std::uint8_t { f32, i64, i32, u8, boolean };

std::size_t size_of(DType type);    // bytes of one element
const char* to_string(DType type);  // "float32", "int64", …

using Shape = std::vector<std::int64_t>;  // all extents known and >= 0; {} is a scalar

std::int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "1x64x56x56", "scalar"
// As to_string writes it; extents of at least 1. Error: invalid.
Result<Shape> parse_shape(const std::string& text);

struct Tensor {
  DType type = DType::f32;
  Shape shape;
  Blob data;  // data.size() == element_count(shape) * size_of(type)

  static Tensor floats(Shape shape, std::vector<float> values);
  static Tensor integers(Shape shape, std::vector<std::int64_t> values);

  // REQUIRES: type is the one of T. The bytes are aligned for T (importers see to it).
  template <typename T>
  [[nodiscard]] std::span<const T> values() const {
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
  [[nodiscard]] std::span<const float> f32() const { return values<float>(); }
  [[nodiscard]] std::span<const std::int64_t> i64() const { return values<std::int64_t>(); }
};

}  // namespace hyps::cnn
