#include <gtest/gtest.h>

#include "common/cnn/tensor.hpp"

namespace hyps::cnn {
namespace {

TEST(ShapeText, IsReadAsItIsWritten) {
  for (const Shape& shape : {Shape{1}, Shape{1, 3, 224, 224}, Shape{7, 1000000000000}}) {
    const auto read = parse_shape(to_string(shape));
    ASSERT_TRUE(read.ok()) << to_string(shape);
    EXPECT_EQ(*read, shape);
  }
}

TEST(ShapeText, WhatIsNoShapeIsRefused) {
  for (const char* text : {"", "x", "1x", "x1", "1xx2", "1x0", "-1x3", "1,3", "1x3 ", " 1x3",
                           "1x3X4", "99999999999999999999", "scalar"}) {
    EXPECT_FALSE(parse_shape(text).ok()) << text;
  }
}

}  // namespace
}  // namespace hyps::cnn
