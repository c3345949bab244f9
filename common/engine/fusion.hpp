// Graph rewriting before execution: followers move into the convolution or matrix product before
// them. Pure; what is safe is decided here from the graph alone.
#pragma once

#include "common/engine/program.hpp"

namespace hyps::engine {

// Drops what no output of the graph needs. Folds an AffineKernel (BatchNormalization) into the
// weights of the Conv it alone consumes, and turns unary functions and a residual addition into
// post-ops; a BatchNormalization that stays takes the Relu after it. The order of operations, and
// every value still named by a group, stay as they were. REQUIRES: a program as lower() gives it.
Program fuse(const cnn::Graph& graph, Program program);

}  // namespace hyps::engine
