#include <cmath>

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

// Bits, and the float they stand for.
const std::vector<std::pair<std::uint16_t, float>> kHalves{
    {0x0000, 0.F},      {0x3c00, 1.F},
    {0xc000, -2.F},     {0x7bff, 65504.F},
    {0x0001, 0x1p-24F}, {0x03ff, 1023.F * 0x1p-24F},
    {0x0400, 0x1p-14F}, {0x3555, 0.333251953125F},
    {0x8001, -0x1p-24F}};
const std::vector<std::pair<std::uint16_t, float>> kBrainFloats{
    {0x0000, 0.F}, {0x3f80, 1.F}, {0xc000, -2.F}, {0x4049, 3.140625F}, {0x0001, 0x1p-133F}};

TensorProto sixteen_bits(TensorProto::DataType type,
                         const std::vector<std::pair<std::uint16_t, float>>& values, bool raw) {
  TensorProto proto;
  proto.set_data_type(type);
  proto.add_dims(static_cast<std::int64_t>(values.size()));
  for (const auto& [bits, value] : values) {
    if (raw) {
      proto.mutable_raw_data()->push_back(static_cast<char>(bits & 0xffU));
      proto.mutable_raw_data()->push_back(static_cast<char>(bits >> 8U));
    } else {
      proto.add_int32_data(bits);
    }
  }
  return proto;
}

TEST(TensorProtoTest, SixteenBitFloatsAreWidened) {
  for (const bool raw : {true, false}) {
    for (const auto& [type, values] : {std::pair{TensorProto::FLOAT16, kHalves},
                                       std::pair{TensorProto::BFLOAT16, kBrainFloats}}) {
      const auto tensor = parse(sixteen_bits(type, values, raw));
      ASSERT_THAT(tensor, Succeeds());
      EXPECT_EQ(tensor->type, cnn::DType::f32);
      ASSERT_EQ(tensor->f32().size(), values.size());
      for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(tensor->f32()[i], values[i].second);
    }
  }
}

TEST(TensorProtoTest, SixteenBitFloatsKeepTheirOrderAndTheirSpecialValues) {
  std::vector<std::pair<std::uint16_t, float>> all;
  for (std::uint16_t bits = 0; bits <= 0x7c00; ++bits) all.emplace_back(bits, 0.F);
  const auto tensor = parse(sixteen_bits(TensorProto::FLOAT16, all, true));
  ASSERT_THAT(tensor, Succeeds());
  const auto values = tensor->f32();
  for (std::size_t i = 1; i < values.size(); ++i) ASSERT_LT(values[i - 1], values[i]) << i;
  EXPECT_TRUE(std::isinf(values.back()));
  const auto special =
      parse(sixteen_bits(TensorProto::FLOAT16, {{0x7e00, 0.F}, {0x8000, 0.F}}, true));
  ASSERT_THAT(special, Succeeds());
  EXPECT_TRUE(std::isnan(special->f32()[0]));
  EXPECT_TRUE(std::signbit(special->f32()[1]));
}

TEST(TensorProtoTest, SixteenBitFloatsOfAnotherNumberOfBytesAreRefused) {
  TensorProto proto = sixteen_bits(TensorProto::FLOAT16, kHalves, true);
  proto.mutable_raw_data()->pop_back();
  EXPECT_THAT(parse(proto), FailsWith(ErrorKind::invalid, "needs 18 bytes"));
  TensorProto wide = sixteen_bits(TensorProto::FLOAT16, kHalves, false);
  wide.set_int32_data(0, 0x10000);
  EXPECT_THAT(parse(wide), FailsWith(ErrorKind::invalid, "more than 16 bits"));
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
