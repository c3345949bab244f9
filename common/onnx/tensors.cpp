#include <limits>

#include "common/onnx/external_data.hpp"
#include "common/onnx/onnx.hpp"
#include "common/onnx/tensor_proto.hpp"

namespace hyps::onnx {

Result<cnn::Tensor> parse_tensor(const Blob& bytes) {
  ::onnx::TensorProto proto;
  if (bytes.empty() || bytes.size() > std::numeric_limits<int>::max() ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error{ErrorKind::invalid, "no ONNX tensor, or a truncated one"};
  }
  if (is_external(proto)) {
    return Error{ErrorKind::invalid, "a tensor by itself cannot have external data"};
  }
  return take_inline_tensor(proto);
}

std::string to_tensor_proto(const cnn::Tensor& tensor, const std::string& name) {
  ::onnx::TensorProto proto;
  fill_inline(tensor, name, proto);
  return proto.SerializeAsString();
}

}  // namespace hyps::onnx
