#include "common/cnn/ops/support/position.hpp"

#include <algorithm>

namespace hyps::cnn::ops {

Shape strides_of(const Shape& shape) {
  // Without elements no place is ever asked for, but extents may be huge.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return Shape(shape.size(), 0);
  Shape strides(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  const std::size_t missing = longer.size() - shorter.size();
  Shape result = longer;
  for (std::size_t axis = 0; axis < shorter.size(); ++axis) {
    std::int64_t& extent = result[axis + missing];
    if (extent == 1) {
      extent = shorter[axis];
    } else if (shorter[axis] != 1 && shorter[axis] != extent) {
      return std::nullopt;
    }
  }
  return result;
}

Shape broadcast_strides(const Shape& from, const Shape& to) {
  const Shape dense = strides_of(from);
  const std::size_t missing = to.size() - from.size();
  Shape strides(to.size(), 0);
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] != 1) strides[axis + missing] = dense[axis];
  }
  return strides;
}

}  // namespace hyps::cnn::ops
