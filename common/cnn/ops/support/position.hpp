// Walking through tensors of any rank, and numpy's broadcasting.
#pragma once

#include <optional>

#include "common/cnn/tensor.hpp"

namespace hyps::cnn::ops {

// Elements between neighbours along each axis, row-major.
Shape strides_of(const Shape& shape);

// The shape two shapes broadcast to, or nullopt.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

// Strides that walk a tensor of shape `from` while the position walks `to`; 0 where it is repeated.
// REQUIRES: from broadcasts to `to`.
Shape broadcast_strides(const Shape& from, const Shape& to);

inline std::int64_t offset_of(const Shape& position, const Shape& strides) {
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < position.size(); ++axis) {
    offset += position[axis] * strides[axis];
  }
  return offset;
}

// visit(position), in row-major order.
template <typename Visit>
void for_each_position(const Shape& shape, Visit visit) {
  const std::int64_t count = element_count(shape);
  Shape position(shape.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(position);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++position[axis] < shape[axis]) break;
      position[axis] = 0;
    }
  }
}

}  // namespace hyps::cnn::ops
