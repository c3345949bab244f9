// TensorProto to Tensor and back.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "common/base/result.hpp"
#include "common/cnn/tensor.hpp"

namespace hyps::onnx {

constexpr std::size_t max_rank = 16;
constexpr std::int64_t max_elements = std::int64_t{1} << 32;

// Type and shape of a tensor, within the bounds above, and how the file holds it.
struct TensorForm {
  enum class Stored : std::uint8_t { plain, float16, bfloat16 };  // the latter become float32
  cnn::DType type = cnn::DType::f32;
  cnn::Shape shape;
  Stored stored = Stored::plain;

  [[nodiscard]] std::size_t bytes() const {  // in the file
    const std::size_t each = stored == Stored::plain ? cnn::size_of(type) : 2;
    return static_cast<std::size_t>(cnn::element_count(shape)) * each;
  }
};

// What it is here: sixteen-bit floats are widened.
Result<cnn::DType> dtype_of(int onnx_type);
int onnx_type_of(cnn::DType type);
Status check_shape(const cnn::Shape& shape);

// Refuses segments, unknown types and shapes out of bounds.
Result<TensorForm> form_of(const ::onnx::TensorProto& proto);

// A tensor over `data`, whose bytes are copied if they are not aligned for the type or are widened.
// REQUIRES: data.size() == form.bytes().
cnn::Tensor tensor_over(const TensorForm& form, const Blob& data);

// The tensor whose bytes are in the message itself. They are moved out of it where possible.
Result<cnn::Tensor> take_inline_tensor(::onnx::TensorProto& proto);

void fill_form(const cnn::Tensor& tensor, const std::string& name, ::onnx::TensorProto& proto);
void fill_inline(const cnn::Tensor& tensor, const std::string& name, ::onnx::TensorProto& proto);

}  // namespace hyps::onnx
