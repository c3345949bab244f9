#include "common/cnn/sharing.hpp"

#include <gtest/gtest.h>

namespace hyps::cnn {
namespace {

TEST(Sharing, IsWorthItWhereReadingWeightsIsAnEighthOfARun) {
  EXPECT_FALSE(is_worth_sharing(0, 0));
  EXPECT_TRUE(is_worth_sharing(1000, 500)) << "a fully connected layer alone";
  EXPECT_TRUE(is_worth_sharing(1000, 27'000));
  EXPECT_FALSE(is_worth_sharing(1000, 29'000));
  EXPECT_FALSE(is_worth_sharing(494'000'000, 31'000'000'000)) << "VGG16";
  EXPECT_TRUE(is_worth_sharing(235'000'000, 1'430'000'000)) << "AlexNet";
}

}  // namespace
}  // namespace hyps::cnn
