#include "common/voting/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/voting/votes.hpp"

namespace hyps::voting::testing {
namespace {

using ::testing::HasSubstr;

constexpr Tolerance kTolerance{0.01, 0.1};

TEST(Compare, SaysWhereAndHowMuch) {
  const auto result = compare(floats({1, 2, 3}), floats({1, 2.5, 3.1F}), kTolerance);
  EXPECT_FALSE(result.agree);
  EXPECT_DOUBLE_EQ(result.largest, 0.5);
  EXPECT_THAT(result.text, HasSubstr("0.5 at element 1 of 3 (2 against 2.5), 1 beyond"));
}

TEST(Compare, TheToleranceGrowsWithTheValueAndIsTheSameBothWays) {
  EXPECT_TRUE(compare(floats({100}), floats({109}), kTolerance).agree);
  EXPECT_TRUE(compare(floats({100}), floats({111}), kTolerance).agree);  // 11.11 of 111
  EXPECT_TRUE(compare(floats({111}), floats({100}), kTolerance).agree);
  EXPECT_FALSE(compare(floats({100}), floats({112}), kTolerance).agree);
  EXPECT_TRUE(compare(floats({0}), floats({0.009F}), kTolerance).agree);
  EXPECT_FALSE(compare(floats({0}), floats({0.02F}), kTolerance).agree);
}

TEST(Compare, WhatIsNotFiniteAgreesWithNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float value : {nan, infinity, -infinity}) {
    EXPECT_FALSE(compare(floats({0, value}), floats({0, value}), kTolerance).agree);
    EXPECT_FALSE(compare(floats({0, 1}), floats({0, value}), kTolerance).agree);
    EXPECT_FALSE(compare(floats({0, value}), floats({0, 1}), kTolerance).agree);
  }
  EXPECT_THAT(compare(floats({0, nan}), floats({0, 1}), kTolerance).text,
              HasSubstr("element 1 of 2 is nan against 1"));
}

TEST(Compare, AToleranceThatIsNoNumberAllowsNothing) {
  EXPECT_FALSE(compare(floats({1}), floats({2}), {std::nan(""), 0}).agree);
}

TEST(Compare, OtherSizesAndWhatIsNoFloatsDiffer) {
  EXPECT_FALSE(compare(floats({1}), floats({1, 2}), kTolerance).agree);
  EXPECT_FALSE(compare(Blob::copy_of("abc"), Blob::copy_of("abd"), kTolerance).agree);
  EXPECT_TRUE(compare(Blob(), Blob(), kTolerance).agree);
}

TEST(Compare, BytesMayStandAnywhere) {
  const std::vector<float> values{1, 2, 3};
  std::string text(1 + values.size() * sizeof(float), '\0');
  std::memcpy(text.data() + 1, values.data(), values.size() * sizeof(float));
  const Blob shifted = Blob::of(text).slice(1, values.size() * sizeof(float));
  const auto result = compare(shifted, floats(values), kTolerance);
  EXPECT_TRUE(result.agree);
  EXPECT_EQ(result.largest, 0);
}

}  // namespace
}  // namespace hyps::voting::testing
