#include "common/cnn/limits.hpp"

#include <algorithm>

namespace hyps::cnn {

std::string shape_fault(const Shape& shape, DType type) {
  if (shape.size() > kMaxRank) {
    return "rank " + std::to_string(shape.size()) + " is above the " + std::to_string(kMaxRank) +
           " supported";
  }
  for (const std::int64_t extent : shape) {
    if (extent < 0) return "extent " + std::to_string(extent) + " is negative";
    if (extent > kMaxTensorBytes) return "extent " + std::to_string(extent) + " is too large";
  }
  const std::int64_t bytes = element_count(shape) * static_cast<std::int64_t>(size_of(type));
  if (bytes > kMaxTensorBytes) return "shape " + to_string(shape) + " needs more than 8 GiB";
  return "";
}

std::string tensor_fault(const Tensor& tensor) {
  std::string fault = shape_fault(tensor.shape, tensor.type);
  if (!fault.empty()) return fault;
  const std::size_t expected =
      static_cast<std::size_t>(element_count(tensor.shape)) * size_of(tensor.type);
  if (tensor.data.size() == expected) return "";
  return "shape " + to_string(tensor.shape) + " of " + to_string(tensor.type) + " needs " +
         std::to_string(expected) + " bytes, there are " + std::to_string(tensor.data.size());
}

std::int64_t capped_sum(std::int64_t a, std::int64_t b) {
  return std::min(std::min(a, kCountCeiling) + std::min(b, kCountCeiling), kCountCeiling);
}

std::int64_t capped_product(std::initializer_list<std::int64_t> factors) {
  if (std::find(factors.begin(), factors.end(), 0) != factors.end()) return 0;
  std::int64_t product = 1;
  for (const std::int64_t factor : factors) {
    if (factor > kCountCeiling / product) return kCountCeiling;
    product *= factor;
  }
  return product;
}

}  // namespace hyps::cnn
