// Joins: values that are written straight into the memory of the concatenation that reads them, so
// that nothing is copied. Pure; whether their layouts allow it is seen when layouts are known.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/engine/program.hpp"

namespace hyps::engine {

struct Join {
  std::string whole;       // the value that the part belongs to
  std::int64_t begin = 0;  // its first channel there
};

// By the part. Only along the channels of one image, where a range of channels is contiguous. A
// value read by several concatenations is joined into the last: where each of them begins with the
// one before, as in DenseNet, all of them then lie in it.
using Joins = std::map<std::string, Join>;
Joins find_joins(const cnn::Graph& graph, const Program& program);

}  // namespace hyps::engine
