// The one function the build generates: every operator of ops/, in the order of the file names.
#pragma once

#include <vector>

#include "common/cnn/operator.hpp"

namespace hyps::cnn {

std::vector<Operator> collect_operators();

}  // namespace hyps::cnn
