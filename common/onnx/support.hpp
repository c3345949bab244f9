// Is every node one that hyps runs, and well-formed by ONNX's own schema of its operator?
#pragma once

#include <onnx/onnx_pb.h>

#include "common/base/result.hpp"

namespace hyps::onnx {

// unsupported: names every operator that is missing, and lists what is supported.
Status check_operators(const ::onnx::GraphProto& graph, int opset);

// invalid: attributes or numbers of inputs and outputs that the operator's schema does not allow.
Status check_schema(const ::onnx::NodeProto& node, int opset);

}  // namespace hyps::onnx
