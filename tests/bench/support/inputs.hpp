// Inputs and models that benchmarks run on.
#pragma once

#include "common/base/random.hpp"
#include "common/cnn/tensor.hpp"

namespace hyps::bench {

// The same values at each call.
inline cnn::Tensor random_input(const cnn::Shape& shape) {
  Random random(1);
  std::vector<float> values(static_cast<std::size_t>(cnn::element_count(shape)));
  for (float& value : values) value = random.uniform(-1, 1);
  return cnn::Tensor::floats(shape, std::move(values));
}

}  // namespace hyps::bench
