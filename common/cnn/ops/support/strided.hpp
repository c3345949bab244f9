// Moving elements of any type by strides: Transpose, Slice, Expand, DepthToSpace and their like.
#pragma once

#include "common/cnn/ops/support/position.hpp"

namespace hyps::cnn::ops {

// A tensor of x's type and of shape `shape` whose elements are, for every position of `walk` in
// row-major order, x's element at start + position * strides. A stride of 0 repeats.
// REQUIRES: walk has as many elements as shape, and never leaves x.
Tensor strided(const Tensor& x, const Shape& shape, const Shape& walk, const Shape& strides,
               std::int64_t start = 0);

// Axes of `shape` in the order of `permutation`.
Shape permuted(const Shape& shape, const Shape& permutation);

// x seen as `seen`, its axes reordered, seen as `shape`.
Tensor rearranged(const Tensor& x, const Shape& seen, const Shape& permutation, const Shape& shape);

}  // namespace hyps::cnn::ops
