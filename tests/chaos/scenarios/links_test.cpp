// Real links: one process in a network namespace of its own. Skipped where that is not permitted.
#include "link.hpp"
#include "scenario.hpp"

namespace hyps::test {
namespace {

// A base: it goes after the broker, which may still be sending.
struct WithLink {
  Link link_;
};

class Links : private WithLink, public Scenario {
 protected:
  Links() : Scenario(3, "0.0.0.0") {}

  void SetUp() override {
    if (!link_.why_not().empty()) GTEST_SKIP() << "no network namespaces here: " << link_.why_not();
  }
  void start_with(const std::string& name) {
    cluster_.run_under(name, link_.prefix());
    cluster_.set(name, "broker_host=" + link_.host());
    start_and_deploy();
  }
  // Something happens to the link for so long while jobs keep coming.
  void spoil(const std::function<bool(Link&)>& begin, const std::function<bool(Link&)>& end,
             int ms) {
    ask_many(4);
    ASSERT_TRUE(begin(link_)) << link_.why_not();
    ask_for(ms);
    ASSERT_TRUE(end(link_)) << link_.why_not();
    expect_all_answered();
    ASSERT_TRUE(client_.wait_workers_online(3));
    expect_still_answering();
  }
  void pull(int ms) {
    spoil([](Link& link) { return link.set_up(false); },
          [](Link& link) { return link.set_up(true); }, ms);
  }
  void lose(const std::string& chain, int ms) {
    spoil([&](Link& link) { return link.lose(chain); },
          [](Link& link) { return link.lose_nothing(); }, ms);
  }
  void throttle(const std::string& rate, int ms) {
    spoil([&](Link& link) { return link.limit_to(rate); },
          [](Link& link) { return link.limit_nothing(); }, ms);
  }
};

TEST_F(Links, OfAWorkerIsPulled) {
  start_with("w1");
  pull(4000);
}

TEST_F(Links, OfAWorkerLosesWhatItSends) {
  start_with("w1");
  lose("OUTPUT", 4000);
}

TEST_F(Links, OfAWorkerLosesWhatItIsSent) {
  start_with("w1");
  lose("INPUT", 4000);
}

TEST_F(Links, OfAWorkerHasOneMegabit) {
  start_with("w1");
  throttle("1mbit", 4000);
}

TEST_F(Links, OfTheHubIsPulled) {
  start_with("hub");
  pull(3000);
}

TEST_F(Links, OfTheHubLosesWhatItIsSent) {
  start_with("hub");
  lose("INPUT", 3000);
}

TEST_F(Links, OfTheHubHasOneMegabit) {
  start_with("hub");
  throttle("1mbit", 3000);
}

}  // namespace
}  // namespace hyps::test
