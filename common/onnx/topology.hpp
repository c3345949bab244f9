// How the names of a graph refer to one another.
#pragma once

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::onnx {

// Every name is defined once, every name used is defined, and nodes are put into an order in which
// each follows those it reads from (their given order, where that is one). Errors name the node.
Status check_and_sort(cnn::Graph& graph);

}  // namespace hyps::onnx
