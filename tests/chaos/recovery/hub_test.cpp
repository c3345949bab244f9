// The hub is killed and started again, with many jobs in its store.
#include "recovery.hpp"

namespace hyps::test {
namespace {

// HYPS_STORED_JOBS: what is measured needs many.
int stored_jobs() {
  const char* given = std::getenv("HYPS_STORED_JOBS");  // NOLINT(concurrency-mt-unsafe)
  return given == nullptr ? 50 : std::max(1, std::atoi(given));
}

class HubRestart : public Recovery {
 protected:
  HubRestart()
      : Recovery(workers(4), {"keep_finished_jobs=1000000", "keep_feature_maps=1000000"}) {}

  void fill() {
    start_and_deploy();
    const auto wanted = static_cast<std::size_t>(stored_jobs());
    ASSERT_TRUE(work_until([&] { return answers_ >= wanted; }, 3'600'000));
  }
  bool is_online() { return client_.online().contains("hub"); }
};

TEST_F(HubRestart, UnfinishedJobsGoOn) {
  fill();
  const std::string stored = ", " + std::to_string(stored_jobs()) + " jobs stored";
  Times online("hub restart" + stored + ": online, from the start of the process");
  Times result("hub restart" + stored + ": first result of an unfinished job");
  for (int i = 0; i < rounds() && !HasFailure(); ++i) {
    work_for(random_ms(200, 400));
    cluster_.kill("hub");
    work_for(300);
    client_.take_online();
    computed_by_.clear();
    const auto begin = Clock::now();
    cluster_.start("hub");
    ASSERT_TRUE(work_until([&] { return is_online(); })) << cluster_.log("hub");
    online.add(ms_since(begin));
    ASSERT_TRUE(work_until([&] { return !computed_by_.empty(); })) << cluster_.log("hub");
    result.add(ms_since(begin));
  }
  online.print();
  result.print();
}

}  // namespace
}  // namespace hyps::test
