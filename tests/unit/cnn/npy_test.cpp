#include "common/cnn/npy.hpp"

#include <gmock/gmock.h>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(dictionary.size());
  file += std::string(version == 1 ? 1 : 3, '\0');
  return file + dictionary + data;
}

std::string floats(std::vector<float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string error_in(const std::string& file) {
  const auto tensor = parse_npy(Blob::copy_of(file));
  return tensor.ok() ? "" : tensor.error().message;
}

TEST(Npy, RoundTripsFloatsAndIntegersOfAnyRank) {
  for (const Shape& shape : std::vector<Shape>{{}, {3}, {2, 3}, {1, 2, 3, 4}, {0, 5}}) {
    const Tensor tensor = iota(shape);
    const auto back = parse_npy(Blob::of(to_npy(tensor)));
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->shape, shape);
    EXPECT_EQ(back->data, tensor.data);
  }
  const auto integers = parse_npy(Blob::of(to_npy(Tensor::integers({2}, {-1, 1}))));
  ASSERT_TRUE(integers.ok());
  EXPECT_EQ(integers->type, DType::i64);
  EXPECT_THAT(integers->i64(), ElementsAre(-1, 1));
}

TEST(Npy, WritesWhatNumpyWrites) {
  const std::string file = to_npy(iota({2, 3}));
  EXPECT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ((file.size() - 24) % 64, 0U);  // data begins at a multiple of 64
  EXPECT_THAT(file, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,), }"));
}

TEST(Npy, ReadsLaterVersionsAndNarrowsDoubles) {
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n";
  const std::vector<double> doubles{1.5, -2};
  const std::string data(reinterpret_cast<const char*>(doubles.data()), 16);
  for (const char version : {'\1', '\2', '\3'}) {
    const auto tensor = parse_npy(Blob::copy_of(file_of(header, data, version)));
    ASSERT_TRUE(tensor.ok()) << tensor.error().message;
    EXPECT_THAT(values_of(*tensor), ElementsAre(1.5, -2));
  }
}

TEST(Npy, RefusesWhatItCannotRead) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  EXPECT_EQ(error_in(file_of(good, floats({1}))), "");
  EXPECT_THAT(error_in("no npy at all"), HasSubstr("does not begin like one"));
  EXPECT_THAT(error_in(file_of(good, floats({1}), 9)), HasSubstr("unknown version 9"));
  EXPECT_THAT(error_in(file_of(good, floats({1, 2}))), HasSubstr("needs 4 bytes of data"));
  EXPECT_THAT(error_in(file_of(good, "")), HasSubstr("there are 0"));
  const auto with = [](const std::string& descr, const std::string& order,
                       const std::string& shape) {
    return error_in(file_of(
        "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }", ""));
  };
  EXPECT_THAT(with("'>f4'", "False", "(1,)"), HasSubstr("type '>f4' is not supported"));
  EXPECT_THAT(with("'|O'", "False", "(1,)"), HasSubstr("type '|O' is not supported"));
  EXPECT_THAT(with("'<f4'", "True", "(1,)"), HasSubstr("Fortran order"));
  EXPECT_THAT(with("'<f4'", "False", "(x,)"), HasSubstr("unreadable shape"));
  EXPECT_THAT(with("'<f4'", "False", "5"), HasSubstr("unreadable shape"));
  EXPECT_THAT(with("'<f4'", "False", "(-1,)"), HasSubstr("is negative"));
  EXPECT_THAT(with("'<f4'", "False", "(9999999999999,)"), HasSubstr("is too large"));
  EXPECT_THAT(with("'<f4'", "False", "(99999999999999999999,)"), HasSubstr("unreadable shape"));
  EXPECT_THAT(error_in(file_of("{'shape': (1,)}", "")), HasSubstr("lacks 'descr':"));
}

// Every prefix and every flipped bit of a header is refused or read, never more.
TEST(Npy, SurvivesTruncationAndBitFlips) {
  const std::string file = to_npy(iota({2, 3}));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(error_in(file.substr(0, size)), "");
  }
  for (std::size_t bit = 0; bit < 128 * 8; ++bit) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto tensor = parse_npy(Blob::of(flipped));
    EXPECT_TRUE(!tensor.ok() || tensor->data.size() == 24U) << "bit " << bit;
  }
}

}  // namespace
}  // namespace hyps::cnn::testing
