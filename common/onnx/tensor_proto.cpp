#include "common/onnx/tensor_proto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "common/onnx/widen.hpp"

namespace hyps::onnx {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

namespace {

using ::onnx::TensorProto;

std::string type_name(int onnx_type) {
  if (!TensorProto::DataType_IsValid(onnx_type)) return fmt::format("number {}", onnx_type);
  return TensorProto::DataType_Name(static_cast<TensorProto::DataType>(onnx_type));
}

TensorForm::Stored stored_as(int onnx_type) {
  if (onnx_type == TensorProto::FLOAT16) return TensorForm::Stored::float16;
  if (onnx_type == TensorProto::BFLOAT16) return TensorForm::Stored::bfloat16;
  return TensorForm::Stored::plain;
}

std::size_t alignment_of(cnn::DType type) { return cnn::size_of(type); }

bool is_aligned(const Blob& data, cnn::DType type) {
  return reinterpret_cast<std::uintptr_t>(data.data()) % alignment_of(type) == 0;
}

// A bool must be 0 or 1 for values<bool>(); ONNX writers mean "not zero".
Blob as_booleans(const Blob& data) {
  std::vector<std::byte> bytes(data.bytes().begin(), data.bytes().end());
  for (std::byte& byte : bytes) byte = byte == std::byte{0} ? std::byte{0} : std::byte{1};
  return Blob::of(std::move(bytes));
}

Error wrong_amount(const TensorForm& form, std::size_t got, const char* unit) {
  return {
      ErrorKind::invalid,
      fmt::format("the tensor of shape {} and type {} needs {} bytes, the file gives {} {}",
                  cnn::to_string(form.shape), cnn::to_string(form.type), form.bytes(), got, unit)};
}

template <typename Element>
Result<Blob> take_field(const TensorForm& form, google::protobuf::RepeatedField<Element>& field) {
  const auto count = static_cast<std::size_t>(field.size());
  if (count * sizeof(Element) != form.bytes()) return wrong_amount(form, count, "values");
  auto owner = std::make_shared<google::protobuf::RepeatedField<Element>>();
  owner->Swap(&field);
  const auto bytes = std::as_bytes(std::span(owner->data(), count));
  return Blob(std::move(owner), bytes);
}

// uint8 and bool are stored one to an int32.
Result<Blob> narrow_field(const TensorForm& form,
                          const google::protobuf::RepeatedField<std::int32_t>& field) {
  const auto count = static_cast<std::size_t>(field.size());
  if (count != form.bytes()) return wrong_amount(form, count, "values");
  const auto fits = [](std::int32_t value) { return value >= 0 && value <= 255; };
  if (!std::all_of(field.begin(), field.end(), fits)) {
    return Error{ErrorKind::invalid, fmt::format("a value of the {} tensor is outside 0 to 255",
                                                 cnn::to_string(form.type))};
  }
  return Blob::of(std::vector<std::uint8_t>(field.begin(), field.end()));
}

// Sixteen-bit floats are stored one to an int32, as bits.
Result<Blob> narrow_halves(const TensorForm& form,
                           const google::protobuf::RepeatedField<std::int32_t>& field) {
  const auto count = static_cast<std::size_t>(field.size());
  if (count * 2 != form.bytes()) return wrong_amount(form, count, "values");
  const auto fits = [](std::int32_t value) { return value >= 0 && value <= 0xffff; };
  if (!std::all_of(field.begin(), field.end(), fits)) {
    return Error{ErrorKind::invalid, "a sixteen-bit float of the tensor has more than 16 bits"};
  }
  return Blob::of(std::vector<std::uint16_t>(field.begin(), field.end()));
}

Result<Blob> take_typed_field(const TensorForm& form, TensorProto& proto) {
  if (form.stored != TensorForm::Stored::plain) return narrow_halves(form, proto.int32_data());
  switch (form.type) {
    case cnn::DType::f32:
      return take_field(form, *proto.mutable_float_data());
    case cnn::DType::i64:
      return take_field(form, *proto.mutable_int64_data());
    case cnn::DType::i32:
      return take_field(form, *proto.mutable_int32_data());
    case cnn::DType::u8:
    case cnn::DType::boolean:
      return narrow_field(form, proto.int32_data());
  }
  return Error{ErrorKind::invalid, "the tensor has no type"};
}

bool has_typed_field(const TensorProto& proto) {
  return proto.float_data_size() + proto.int32_data_size() + proto.int64_data_size() > 0;
}

Result<Blob> take_bytes(const TensorForm& form, TensorProto& proto) {
  if (!proto.has_raw_data()) return take_typed_field(form, proto);
  if (has_typed_field(proto)) {
    return Error{ErrorKind::invalid, "the tensor has its values twice, in raw_data and in a field"};
  }
  if (proto.raw_data().size() != form.bytes()) {
    return wrong_amount(form, proto.raw_data().size(), "bytes of raw_data");
  }
  const std::unique_ptr<std::string> raw(proto.release_raw_data());
  return Blob::of(std::move(*raw));
}

}  // namespace

Result<cnn::DType> dtype_of(int onnx_type) {
  switch (onnx_type) {
    case TensorProto::FLOAT:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
      return cnn::DType::f32;
    case TensorProto::INT64:
      return cnn::DType::i64;
    case TensorProto::INT32:
      return cnn::DType::i32;
    case TensorProto::UINT8:
      return cnn::DType::u8;
    case TensorProto::BOOL:
      return cnn::DType::boolean;
    default:
      return Error{ErrorKind::unsupported,
                   fmt::format("element type {} is not supported; supported are: FLOAT, FLOAT16, "
                               "BFLOAT16, INT64, INT32, UINT8, BOOL",
                               type_name(onnx_type))};
  }
}

int onnx_type_of(cnn::DType type) {
  switch (type) {
    case cnn::DType::f32:
      return TensorProto::FLOAT;
    case cnn::DType::i64:
      return TensorProto::INT64;
    case cnn::DType::i32:
      return TensorProto::INT32;
    case cnn::DType::u8:
      return TensorProto::UINT8;
    case cnn::DType::boolean:
      return TensorProto::BOOL;
  }
  return TensorProto::UNDEFINED;
}

Status check_shape(const cnn::Shape& shape) {
  if (shape.size() > max_rank) {
    return Error{ErrorKind::invalid,
                 fmt::format("{} dimensions are more than the {} allowed", shape.size(), max_rank)};
  }
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || extent > max_elements ||
        elements > max_elements / std::max<std::int64_t>(extent, 1)) {
      return Error{ErrorKind::invalid, fmt::format("shape {} is negative somewhere, or has more "
                                                   "than the {} elements allowed",
                                                   fmt::join(shape, "x"), max_elements)};
    }
    elements *= std::max<std::int64_t>(extent, 1);
  }
  return {};
}

Result<TensorForm> form_of(const TensorProto& proto) {
  if (proto.has_segment()) {
    return Error{ErrorKind::unsupported, "tensors in segments are not supported"};
  }
  HYPS_TRY(const cnn::DType type, dtype_of(proto.data_type()));
  TensorForm form{type, {proto.dims().begin(), proto.dims().end()}, stored_as(proto.data_type())};
  HYPS_CHECK(check_shape(form.shape));
  return form;
}

cnn::Tensor tensor_over(const TensorForm& form, const Blob& data) {
  if (form.type == cnn::DType::boolean) return {form.type, form.shape, as_booleans(data)};
  if (form.stored == TensorForm::Stored::float16) {
    return cnn::Tensor::floats(form.shape, widen_float16(data.bytes()));
  }
  if (form.stored == TensorForm::Stored::bfloat16) {
    return cnn::Tensor::floats(form.shape, widen_bfloat16(data.bytes()));
  }
  if (is_aligned(data, form.type)) return {form.type, form.shape, data};
  return {form.type, form.shape, Blob::copy_of(data.bytes())};
}

Result<cnn::Tensor> take_inline_tensor(TensorProto& proto) {
  HYPS_TRY(const TensorForm form, form_of(proto));
  HYPS_TRY(const Blob data, take_bytes(form, proto));
  return tensor_over(form, data);
}

void fill_form(const cnn::Tensor& tensor, const std::string& name, TensorProto& proto) {
  proto.set_name(name);
  proto.set_data_type(onnx_type_of(tensor.type));
  for (const std::int64_t extent : tensor.shape) proto.add_dims(extent);
}

void fill_inline(const cnn::Tensor& tensor, const std::string& name, TensorProto& proto) {
  fill_form(tensor, name, proto);
  proto.set_raw_data(tensor.data.data(), tensor.data.size());
}

}  // namespace hyps::onnx
