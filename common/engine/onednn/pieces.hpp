// How a map's channels are divided into pieces of work. Decided by shapes alone, so that results
// do not depend on the number of threads. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/cnn/operator.hpp"

namespace hyps::engine {

// Ranges that cover [0, length), each but the last a multiple of `unit`. Few where there is little
// to do (`flops` in all), and none much below 32 channels or neurons, where kernels get slower.
std::vector<cnn::Range> split(std::int64_t length, std::int64_t unit, double flops);

// The same for layers that are limited by reading their weights, `bytes` for each of `length`: as
// much in a piece as stays in a core's cache while one image after another is computed with it.
std::vector<cnn::Range> split_weights(std::int64_t length, std::int64_t unit, std::int64_t bytes);

}  // namespace hyps::engine
