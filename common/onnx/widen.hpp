// Sixteen-bit floats to float32. Exact: every value of either has one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hyps::onnx {

// IEEE 754 binary16.
std::vector<float> widen_float16(std::span<const std::byte> values);
// The upper half of a float32.
std::vector<float> widen_bfloat16(std::span<const std::byte> values);

}  // namespace hyps::onnx
