#include "common/voting/reputation.hpp"

#include <gtest/gtest.h>

namespace hyps::voting {
namespace {

TEST(Reputation, OneLieQuarantinesAtOnceWhateverCameBefore) {
  Reputation worker;
  for (int i = 0; i < 1000; ++i) worker.agreed();
  EXPECT_TRUE(worker.is_trusted(1000));
  worker.lied();
  EXPECT_TRUE(worker.quarantined);
  EXPECT_FALSE(worker.is_trusted(0));
  EXPECT_EQ(worker.agreements, 1000U);
  EXPECT_EQ(worker.lies, 1U);
}

TEST(Reputation, TenAgreementsInARowBringALiarBack) {
  Reputation worker;
  worker.lied();
  for (int i = 0; i < 9; ++i) worker.agreed();
  EXPECT_TRUE(worker.quarantined);
  worker.lied();  // begins anew
  for (int i = 0; i < 9; ++i) worker.agreed();
  EXPECT_TRUE(worker.quarantined);
  worker.agreed();
  EXPECT_FALSE(worker.quarantined);
  EXPECT_TRUE(worker.is_trusted(10));
  EXPECT_FALSE(worker.is_trusted(11));
}

}  // namespace
}  // namespace hyps::voting
