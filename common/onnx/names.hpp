// Names and texts in a model are shown to people and put into JSON: they must be readable.
#pragma once

#include <onnx/onnx_pb.h>

#include "common/base/result.hpp"

namespace hyps::onnx {

constexpr std::size_t max_name_bytes = 1024;

// Valid UTF-8 without control characters.
bool is_readable_text(std::string_view text);

// Every name and text of the graph is readable and short enough.
Status check_names(const ::onnx::GraphProto& graph);

}  // namespace hyps::onnx
