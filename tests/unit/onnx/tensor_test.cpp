#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

using testing::ElementsAre;

Result<cnn::Tensor> parse(const TensorProto& proto) {
  return parse_tensor(Blob::of(proto.SerializeAsString()));
}

TEST(TensorProtoTest, RoundTripsEveryType) {
  const std::vector<cnn::Tensor> tensors{
      cnn::Tensor::floats({2, 3}, {1, -2, 3.5F, 0, 1e-30F, 1e30F}),
      cnn::Tensor::floats({}, {7}),
      cnn::Tensor::floats({2, 0}, {}),
      cnn::Tensor::integers({3}, {-1, 0, std::int64_t{1} << 62U}),
      {cnn::DType::i32, {2}, Blob::of(std::vector<std::int32_t>{-5, 6})},
      {cnn::DType::u8, {3}, Blob::of(std::vector<std::uint8_t>{0, 128, 255})},
      {cnn::DType::boolean, {2}, Blob::of(std::vector<std::uint8_t>{0, 1})}};
  for (const cnn::Tensor& tensor : tensors) {
    const auto back = parse_tensor(Blob::of(to_tensor_proto(tensor, "t")));
    ASSERT_THAT(back, Succeeds());
    EXPECT_EQ(back->type, tensor.type);
    EXPECT_EQ(back->shape, tensor.shape);
    EXPECT_EQ(back->data, tensor.data);
  }
}

TEST(TensorProtoTest, ReadsBytesAndBooleansFromTheInt32Field) {
  TensorProto proto;
  proto.set_data_type(TensorProto::UINT8);
  proto.add_dims(2);
  proto.add_int32_data(3);
  proto.add_int32_data(255);
  auto tensor = parse(proto);
  ASSERT_THAT(tensor, Succeeds());
  EXPECT_THAT(tensor->values<std::uint8_t>(), ElementsAre(3, 255));
  proto.set_data_type(TensorProto::BOOL);
  tensor = parse(proto);
  ASSERT_THAT(tensor, Succeeds());
  EXPECT_THAT(tensor->values<std::uint8_t>(), ElementsAre(1, 1));
  proto.set_int32_data(1, 256);
  EXPECT_THAT(parse(proto), FailsWith(ErrorKind::invalid, "outside 0 to 255"));
}

TEST(TensorProtoTest, SmallTensorsAreAligned) {
  for (const float value : {1.F, 2.F}) {
    const auto tensor =
        parse_tensor(Blob::of(to_tensor_proto(cnn::Tensor::floats({1}, {value}), "t")));
    ASSERT_THAT(tensor, Succeeds());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor->data.data()) % alignof(float), 0U);
  }
}

TEST(TensorProtoTest, RefusesWhatIsNoTensor) {
  EXPECT_THAT(parse_tensor(Blob{}), FailsWith(ErrorKind::invalid, "no ONNX tensor"));
  EXPECT_THAT(parse_tensor(Blob::copy_of("\xff\xd8\xff\xe0 a JPEG")),
              FailsWith(ErrorKind::invalid, "no ONNX tensor"));
}

TEST(TensorProtoTest, RefusesExternalDataAndUnsupportedTypes) {
  TensorProto proto;
  proto.set_data_type(TensorProto::FLOAT);
  set_external(proto, "w.bin");
  EXPECT_THAT(parse(proto), FailsWith(ErrorKind::invalid, "external data"));
  TensorProto text;
  text.set_data_type(TensorProto::STRING);
  EXPECT_THAT(parse(text), FailsWith(ErrorKind::unsupported, "STRING"));
}

}  // namespace
}  // namespace hyps::onnx::test
