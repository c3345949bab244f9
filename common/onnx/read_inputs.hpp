// The inputs of a model: which are open, and of what shape, once what is given beside the file is
// taken into account.
#pragma once

#include <onnx/onnx_pb.h>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/onnx/onnx.hpp"

namespace hyps::onnx {

// Fills graph.inputs, and graph.weights with those that are fixed. REQUIRES: graph.weights has the
// file's own, which are no inputs.
Status read_inputs(const ::onnx::GraphProto& proto, const GivenInputs& given, cnn::Graph& graph);

}  // namespace hyps::onnx
