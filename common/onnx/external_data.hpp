// External weight files: their paths checked, mapped once each, sliced.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"
#include "common/onnx/tensor_proto.hpp"

namespace hyps::onnx {

// Where a tensor's bytes are, as its message says.
struct ExternalPlace {
  std::string location;  // relative, without ".."
  std::size_t offset = 0;
  std::optional<std::size_t> length;
};

bool is_external(const ::onnx::TensorProto& proto);
Result<ExternalPlace> external_place(const ::onnx::TensorProto& proto);

class ExternalFiles {
 public:
  // The model's folder; no file outside it is ever opened.
  explicit ExternalFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<cnn::Tensor> tensor(const ::onnx::TensorProto& proto);

 private:
  Result<Blob> mapped(const std::string& location);

  std::filesystem::path folder_;
  std::map<std::string, Blob> files_;  // by location
};

}  // namespace hyps::onnx
