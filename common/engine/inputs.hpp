// What every Executable asks of what it is given.
#pragma once

#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::engine {

// Number, types, shapes and byte counts are those the graph declares.
Status check_inputs(const std::vector<cnn::Value>& wanted, const std::vector<cnn::Tensor>& given);

}  // namespace hyps::engine
