// Inputs that several tasks of a job take on one worker.
#include "services/hub/sharing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace hyps::hub {
namespace {

class HubSharing : public testing::Test {
 protected:
  void begin(Config config = counted_config(), bool relays = false, bool two_workers = false) {
    config.share_inputs_above = 0;
    if (!relays) config.max_relay_bytes = 0;
    w = std::make_unique<World>(config);
    w->add_worker("w1", true);
    if (two_workers) w->add_worker("w2", true);
    w->deploy();
  }
  // Delivers until the worker has been given both slices.
  protocol::Run run_until_shared() {
    for (int i = 0; i < 10'000 && w->deliver_next(); ++i) {
      for (const auto& packet : w->network) {
        const auto* run = packet.message ? std::get_if<protocol::Run>(&*packet.message) : nullptr;
        if (run != nullptr && !run->shared.empty()) return *run;
      }
    }
    ADD_FAILURE() << "nothing is shared";
    return {};
  }
  void finish() {
    w->settle();
    const auto answers = w->answers("job1");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["state"], "done") << answers[0].dump();
    EXPECT_EQ(answers[0]["top"], w->expected_top("image"));
    EXPECT_TRUE(w->violations.empty());
  }

  std::unique_ptr<World> w;
};

TEST_F(HubSharing, WhatTwoSlicesTakeIsSentToTheirWorkerOnce) {
  begin();
  w->infer("job1");
  const protocol::Run run = run_until_shared();
  EXPECT_EQ(run.task.partition.text, "h02.1");
  EXPECT_EQ(run.shared, std::vector<std::string>{"t"});
  finish();
  EXPECT_EQ(w->times_sent("t"), 1U);
}

TEST_F(HubSharing, WhatIsSmallTravelsWithEachOrder) {
  Config config = counted_config();
  begin(config);
  w->config.share_inputs_above = 1000;
  w->crash_hub();
  w->start_hub();
  w->infer("job1");
  finish();
  EXPECT_EQ(w->times_sent("t"), 2U);
}

TEST_F(HubSharing, WorkersDoNotShareWithEachOther) {
  begin(counted_config(), false, true);
  w->infer("job1");
  finish();
  EXPECT_EQ(w->times_sent("t"), 2U);
}

TEST_F(HubSharing, WhoLacksItIsSentItOnce) {
  begin();
  w->infer("job1");
  const protocol::Run run = run_until_shared();
  const protocol::Lacking lacking{run.task, run.epoch};
  w->from_worker("w1", protocol::Lacking{lacking.task, lacking.epoch + 1});
  EXPECT_EQ(w->times_sent("t"), 1U) << "of another epoch";
  w->from_worker("w1", lacking);
  EXPECT_EQ(w->times_sent("t"), 2U);
  w->from_worker("w1", lacking);
  EXPECT_EQ(w->times_sent("t"), 2U) << "it has been sent";
  finish();
}

TEST_F(HubSharing, AWorkerThatBeginsAnewIsSentAll) {
  begin();
  w->infer("job1");
  (void)run_until_shared();
  w->kill_worker("w1");
  w->start_worker("w1");
  w->route_all();
  finish();
}

TEST_F(HubSharing, ALargeResultIsRelayedOnceToAWorker) {
  begin(counted_config(), true);
  w->infer("job1");
  finish();
  EXPECT_EQ(w->times_relayed("t"), 1U);
  EXPECT_EQ(w->times_sent("t"), 0U);
}

}  // namespace
}  // namespace hyps::hub
