// NumPy's .npy files (version 1 to 3) of every element type, C order, little-endian.
#pragma once

#include "common/base/result.hpp"
#include "common/cnn/tensor.hpp"

namespace hyps::cnn {

Result<Tensor> parse_npy(const Blob& file);  // float64 is narrowed to float32
std::string to_npy(const Tensor& tensor);

}  // namespace hyps::cnn
