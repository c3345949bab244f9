// An ONNX file as a protobuf message whose header has been checked.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>

#include "common/base/result.hpp"

namespace hyps::onnx {

constexpr int min_ir_version = 3;
constexpr int min_opset = 7;
constexpr int max_opset = 17;
constexpr int max_nodes = 100'000;

bool is_default_domain(const std::string& domain);

// Maps and parses the file. IR version, opset and the absence of functions are checked.
Result<::onnx::ModelProto> read_model(const std::filesystem::path& file);

// The version of the default domain. REQUIRES: read_model gave this model.
int opset_of(const ::onnx::ModelProto& model);

}  // namespace hyps::onnx
