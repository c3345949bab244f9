// Bounds on what a graph may ask for, and arithmetic that stops at a ceiling instead of
// overflowing. A file from a stranger may name any number as an extent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "common/cnn/tensor.hpp"

namespace hyps::cnn {

inline constexpr std::int64_t kMaxTensorBytes = std::int64_t{1} << 33U;
inline constexpr std::size_t kMaxRank = 8;
// The ceiling of element_count and of the sums and products below; eight times it still fits.
inline constexpr std::int64_t kCountCeiling = std::int64_t{1} << 59U;

// Why no tensor of this shape is accepted ("extent -1 is negative"), or "" if it is.
std::string shape_fault(const Shape& shape, DType type);
// The same for a tensor's shape, and its bytes must be as many as the shape says.
std::string tensor_fault(const Tensor& tensor);

// REQUIRES: arguments >= 0.
std::int64_t capped_sum(std::int64_t a, std::int64_t b);
std::int64_t capped_product(std::initializer_list<std::int64_t> factors);

}  // namespace hyps::cnn
