// Operators that move elements without computing: every element type.
#include <gmock/gmock.h>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

Tensor ints(const Ints& values) {
  return Tensor::integers({static_cast<std::int64_t>(values.size())}, values);
}

// 0, 1, 2, … of any type.
Tensor counted(DType type, const Shape& shape) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  std::vector<std::byte> bytes(count * size_of(type));
  for (std::size_t i = 0; i < count; ++i) {
    if (type == DType::f32) {
      const auto value = static_cast<float>(i);
      std::memcpy(bytes.data() + i * 4, &value, 4);
    } else {
      bytes[i * size_of(type)] = static_cast<std::byte>(i);  // little-endian
    }
  }
  return {type, shape, Blob::of(std::move(bytes))};
}

Ints numbers(const Tensor& tensor) {
  Ints result;
  const std::size_t width = size_of(tensor.type);
  for (std::size_t i = 0; i * width < tensor.data.size(); ++i) {
    float value = 0;
    if (tensor.type == DType::f32) std::memcpy(&value, tensor.data.data() + i * 4, 4);
    const auto low = static_cast<std::int64_t>(tensor.data.data()[i * width]);
    result.push_back(tensor.type == DType::f32 ? static_cast<std::int64_t>(value) : low);
  }
  return result;
}

class EveryType : public ::testing::TestWithParam<DType> {};

TEST_P(EveryType, Moves) {
  const Tensor x = counted(GetParam(), {2, 3});
  const auto moved = [&](const char* op, std::map<std::string, Attribute> attributes,
                         std::vector<std::optional<Tensor>> more, const Ints& expected) {
    Case test{op, std::move(attributes), {x}};
    test.inputs.insert(test.inputs.end(), more.begin(), more.end());
    const Tensor y = run(test);
    EXPECT_EQ(y.type, GetParam()) << op;
    EXPECT_THAT(numbers(y), ElementsAreArray(expected)) << op;
  };
  moved("Transpose", {}, {}, {0, 3, 1, 4, 2, 5});
  moved("Reshape", {}, {ints({-1})}, {0, 1, 2, 3, 4, 5});
  moved("Flatten", {{"axis", std::int64_t{0}}}, {}, {0, 1, 2, 3, 4, 5});
  moved("Identity", {}, {}, {0, 1, 2, 3, 4, 5});
  moved("Dropout", {}, {}, {0, 1, 2, 3, 4, 5});
  moved("Concat", {{"axis", std::int64_t{1}}}, {x}, {0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  moved("Pad", {}, {ints({0, 1, 0, -1})}, {0, 0, 1, 0, 3, 4});
  const Case constant{"Constant", {{"value", x}}, {}};
  EXPECT_EQ(run(constant).data, x.data);
}

INSTANTIATE_TEST_SUITE_P(Types, EveryType,
                         ::testing::Values(DType::f32, DType::i64, DType::i32, DType::u8,
                                           DType::boolean),
                         [](const auto& type) { return std::string(to_string(type.param)); });

Shape reshaped(const Shape& from, const Ints& target, bool allow_zero = false) {
  Case test{"Reshape", {}, {iota(from), ints(target)}, 14};
  if (allow_zero) test.attributes["allowzero"] = std::int64_t{1};
  return run(test).shape;
}

std::string reshape_error(const Shape& from, const Ints& target, bool allow_zero = false) {
  Case test{"Reshape", {}, {iota(from), ints(target)}, 14};
  if (allow_zero) test.attributes["allowzero"] = std::int64_t{1};
  return error_of(test);
}

TEST(Reshape, KeepsZerosAndFillsTheRemainder) {
  EXPECT_EQ(reshaped({2, 3, 4}, {0, -1}), (Shape{2, 12}));
  EXPECT_EQ(reshaped({2, 3, 4}, {4, 0, -1}), (Shape{4, 3, 2}));
  EXPECT_EQ(reshaped({1}, {}), Shape{});
}

TEST(Reshape, RefusesImpossibleTargets) {
  EXPECT_THAT(reshape_error({2, 3}, {4, 2}), HasSubstr("input 2x3 does not reshape to 4x2"));
  EXPECT_THAT(reshape_error({2, 3}, {-1, -1}), HasSubstr("more than one extent is -1"));
  EXPECT_THAT(reshape_error({2, 3}, {-2, 3}), HasSubstr("extent -2 is negative"));
  EXPECT_THAT(reshape_error({2, 3}, {4, -1}), HasSubstr("6 elements do not divide by 4"));
  EXPECT_THAT(reshape_error({2, 3}, {2, 3, 0}), HasSubstr("has none to keep"));
  EXPECT_THAT(reshape_error({2, 3}, {0, -1}, true), HasSubstr("extent -1 has no answer"));
  EXPECT_THAT(reshape_error({2, 3}, {0, 3}, true), HasSubstr("does not reshape to 0x3"));
  const std::int64_t huge = std::int64_t{1} << 62U;
  EXPECT_THAT(reshape_error({2, 3}, {huge, huge, huge}), HasSubstr("does not reshape"));
  EXPECT_THAT(reshape_error({2, 3}, {huge, huge, -1}), HasSubstr("do not divide"));
}

TEST(Reshape, RefusesATargetThatIsComputedAtRunTime) {
  const Case test{"Reshape", {}, {iota({2, 3}), ints({6})}, 13, {0, 1}};
  EXPECT_THAT(error_of(test), HasSubstr("the target shape ('x1') must be a constant"));
}

TEST(Flatten, CutsBeforeTheAxis) {
  const auto shape = [](std::int64_t axis) {
    return run({"Flatten", {{"axis", axis}}, {iota({2, 3, 4})}}).shape;
  };
  EXPECT_EQ(run({"Flatten", {}, {iota({2, 3, 4})}}).shape, (Shape{2, 12}));
  EXPECT_EQ(shape(0), (Shape{1, 24}));
  EXPECT_EQ(shape(3), (Shape{24, 1}));
  EXPECT_EQ(shape(-1), (Shape{6, 4}));
  EXPECT_THAT(error_of({"Flatten", {{"axis", std::int64_t{4}}}, {iota({2, 3, 4})}}),
              HasSubstr("axis 4 is outside"));
}

TEST(Transpose, ReordersAxes) {
  const Case test{"Transpose", {{"perm", Ints{1, 2, 0}}}, {iota({2, 1, 3})}};
  EXPECT_EQ(run(test).shape, (Shape{1, 3, 2}));
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
  for (const Ints& perm : {Ints{0, 0}, Ints{0}, Ints{0, 2}, Ints{-1, 0}, Ints{0, 1, 2}}) {
    EXPECT_THAT(error_of({"Transpose", {{"perm", perm}}, {iota({2, 3})}}),
                HasSubstr("perm is no permutation"));
  }
}

TEST(Concat, RefusesWhatDoesNotFit) {
  Case test{"Concat", {{"axis", std::int64_t{1}}}, {iota({2, 3}), iota({3, 3})}};
  EXPECT_THAT(error_of(test), HasSubstr("input 1 of shape 3x3 does not join 2x3 along axis 1"));
  test.inputs[1] = iota({2});
  EXPECT_THAT(error_of(test), HasSubstr("differs in type or rank"));
  test.inputs[1] = Tensor::integers({2, 1}, {1, 2});
  EXPECT_THAT(error_of(test), HasSubstr("differs in type or rank"));
  test.attributes.clear();
  EXPECT_THAT(error_of(test), HasSubstr("attribute 'axis' is missing"));
}

TEST(Pad, FillsByEachMode) {
  const Tensor x = Tensor::floats({3}, {1, 2, 3});
  const auto padded = [&](const char* mode, std::optional<Tensor> value = std::nullopt) {
    return values_of(
        run({"Pad", {{"mode", std::string(mode)}}, {x, ints({2, 1}), std::move(value)}}));
  };
  EXPECT_THAT(padded("constant"), ElementsAre(0, 0, 1, 2, 3, 0));
  EXPECT_THAT(padded("constant", Tensor::floats({}, {9})), ElementsAre(9, 9, 1, 2, 3, 9));
  EXPECT_THAT(padded("reflect"), ElementsAre(3, 2, 1, 2, 3, 2));
  EXPECT_THAT(padded("edge"), ElementsAre(1, 1, 1, 2, 3, 3));
}

TEST(Pad, TakesAttributesBeforeOpset11) {
  const Case test{"Pad", {{"pads", Ints{0, 1, 0, 0}}, {"value", 7.0F}}, {iota({2, 1})}, 10};
  EXPECT_THAT(values_of(run(test)), ElementsAre(7, 0, 7, 1));
}

TEST(Pad, TakesAxesSinceOpset18) {
  Case test{"Pad", {}, {iota({2, 1}), ints({1, 0}), std::nullopt, ints({-1})}, 18};
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 0, 0, 1));
  test.inputs[3] = ints({2});
  EXPECT_THAT(error_of(test), HasSubstr("axis 2 is outside"));
}

TEST(Pad, RefusesWhatDoesNotFit) {
  const auto why = [](const char* mode, const Ints& pads) {
    return error_of({"Pad", {{"mode", std::string(mode)}}, {iota({2, 3}), ints(pads)}});
  };
  EXPECT_THAT(why("wrap", {0, 0, 0, 0}), HasSubstr("mode 'wrap' is not one of"));
  EXPECT_THAT(why("constant", {0, 0}), HasSubstr("pads has 2 numbers, 4 are needed"));
  EXPECT_THAT(why("constant", {-3, 0, 0, 0}), HasSubstr("do not fit an extent of 2"));
  EXPECT_THAT(why("constant", {-2, 0, -1, 0}), HasSubstr("do not fit an extent of 2"));
  EXPECT_THAT(why("reflect", {2, 0, 0, 0}), HasSubstr("too small to pad by 2"));
  EXPECT_THAT(why("constant", {std::int64_t{1} << 62U, 0, std::int64_t{1} << 62U, 0}),
              HasSubstr("do not fit"));
  EXPECT_THAT(why("constant", {std::int64_t{1} << 32U, 0, 0, 0}), HasSubstr("more than 8 GiB"));
}

TEST(Constant, TakesOneValueOfAnyKind) {
  const auto constant = [](const char* name, Attribute value) {
    return run({"Constant", {{name, std::move(value)}}, {}});
  };
  EXPECT_EQ(constant("value_float", 2.5F).f32()[0], 2.5F);
  EXPECT_THAT(constant("value_floats", std::vector<float>{1, 2}).f32(), ElementsAre(1, 2));
  EXPECT_EQ(constant("value_int", std::int64_t{7}).i64()[0], 7);
  EXPECT_THAT(constant("value_ints", Ints{7, 8}).i64(), ElementsAre(7, 8));
  EXPECT_THAT(error_of({"Constant", {}, {}}), HasSubstr("has 0 values instead of one"));
}

TEST(Constant, RefusesATensorWithTooFewBytes) {
  const Tensor cut{DType::f32, {3}, Blob::copy_of("12345678")};
  EXPECT_THAT(error_of({"Constant", {{"value", cut}}, {}}),
              HasSubstr("shape 3 of float32 needs 12 bytes, there are 8"));
}

TEST(Dropout, GivesAMaskOfOnesWhereOneIsRead) {
  Case test{"Dropout", {}, {iota({2, 2})}};
  test.outputs = 2;
  auto outputs = run_all(test);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  EXPECT_EQ(outputs->at(1).type, DType::boolean);
  EXPECT_THAT(numbers(outputs->at(1)), ElementsAre(1, 1, 1, 1));
  test.opset = 7;
  outputs = run_all(test);
  ASSERT_TRUE(outputs.ok());
  EXPECT_THAT(values_of(outputs->at(1)), ElementsAre(1, 1, 1, 1));
}

TEST(Dropout, RefusesTraining) {
  const Tensor on{DType::boolean, {}, Blob::copy_of(std::string_view("\x01", 1))};
  const Tensor off{DType::boolean, {}, Blob::copy_of(std::string_view("\x00", 1))};
  Case test{"Dropout", {}, {iota({2}), Tensor::floats({}, {0.5F}), on}};
  EXPECT_THAT(error_of(test), HasSubstr("training_mode must be a constant false"));
  test.inputs[2] = off;
  EXPECT_EQ(error_of(test), "");
  test.variable.insert(2);
  EXPECT_THAT(error_of(test), HasSubstr("training_mode must be a constant false"));
}

}  // namespace
}  // namespace hyps::cnn::testing
