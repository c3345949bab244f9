// GraphProto to Graph: weights, inputs, nodes and outputs, each checked by itself. How they refer
// to one another is topology.hpp's business.
#pragma once

#include <onnx/onnx_pb.h>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/onnx/external_data.hpp"
#include "common/onnx/onnx.hpp"

namespace hyps::onnx {

// Takes the weights out of `proto`. Types and shapes of the outputs are left to infer_shapes.
// `given` as in load().
Result<cnn::Graph> read_graph(::onnx::GraphProto& proto, int opset, ExternalFiles& files,
                              const GivenInputs& given);

}  // namespace hyps::onnx
