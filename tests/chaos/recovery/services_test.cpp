// Broker, manager and hub go and come back: how long until all goes on.
#include "recovery.hpp"

namespace hyps::test {
namespace {

class Services : public Recovery {
 protected:
  Services() : Recovery(workers(4)) {}

  // Between two answers, while jobs keep coming.
  double longest_pause(int ms) {
    double longest = 0;
    auto last = Clock::now();
    const auto end = last + std::chrono::milliseconds(ms);
    while (Clock::now() < end) {
      const std::size_t before = answers_;
      work_until([&] { return answers_ > before || Clock::now() >= end; }, ms);
      longest = std::max(longest, ms_since(last));
      last = Clock::now();
    }
    return longest;
  }
};

TEST_F(Services, BrokerRestarts) {
  start_and_deploy();
  Times clients("broker restart: every client is back, from the port's opening");
  Times answer("broker restart: the next answer");
  for (int i = 0; i < rounds() && !HasFailure(); ++i) {
    // Who loses many connections that are younger than a second is patient from then on.
    work_for(random_ms(1100, 1400));
    cluster_.kill("broker");
    client_.take_online();
    std::this_thread::sleep_for(std::chrono::milliseconds(random_ms(50, 500)));
    cluster_.start("broker");  // returns when it listens
    const auto begin = Clock::now();
    // Four workers, manager, voter, hub; the broker keeps no old word of theirs.
    ASSERT_TRUE(work_until([&] { return client_.online().size() == 7; })) << cluster_.log("hub");
    clients.add(ms_since(begin));
    const std::size_t before = answers_;
    ASSERT_TRUE(work_until([&] { return answers_ > before; })) << cluster_.log("hub");
    answer.add(ms_since(begin));
  }
  clients.print();
  answer.print();
}

TEST_F(Services, ManagerDies) {
  start_and_deploy();
  Times without("longest pause between answers in a second, nothing killed");
  Times with("longest pause between answers in a second, manager killed in it");
  for (int i = 0; i < rounds() && !HasFailure(); ++i) {
    work_for(100);
    without.add(longest_pause(1000));
    cluster_.kill("manager");
    with.add(longest_pause(1000));
    cluster_.start("manager");
  }
  without.print();
  with.print();
}

}  // namespace
}  // namespace hyps::test
