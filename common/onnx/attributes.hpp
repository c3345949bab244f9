// AttributeProto to Attribute and back.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/onnx/external_data.hpp"

namespace hyps::onnx {

Status read_attribute(::onnx::AttributeProto& proto, ExternalFiles& files,
                      cnn::Attribute& attribute);
void write_attribute(const std::string& name, const cnn::Attribute& attribute,
                     ::onnx::AttributeProto& proto);

}  // namespace hyps::onnx
