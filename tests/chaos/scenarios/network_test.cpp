// A bad network between one process and the broker.
#include "scenario.hpp"
#include "tests/support/proxy.hpp"

namespace hyps::test {
namespace {

using Mode = Proxy::Mode;

class Network : public Scenario {
 protected:
  void put_behind_proxy(const std::string& name) {
    cluster_.set(name, "broker_port=" + std::to_string(proxy_.port()));
  }
  // The network is bad for so long while jobs keep coming, then good again.
  void spoil(Mode mode, int ms) {
    ask_many(4);
    proxy_.set(mode);
    ask_for(ms);
    proxy_.set(Mode::pass);
    // TCP's own order is broken beyond repair by lost or repeated bytes: begin anew.
    proxy_.cut();
    expect_all_answered();
  }

  Proxy proxy_{cluster_.port(), 1};
};

TEST_F(Network, OfAWorkerIsHeld) {
  put_behind_proxy("w1");
  start_and_deploy();
  spoil(Mode::hold, 7000);
}

TEST_F(Network, OfAWorkerLosesBytes) {
  put_behind_proxy("w1");
  start_and_deploy();
  spoil(Mode::drop, 3000);
}

TEST_F(Network, OfAWorkerFlipsBits) {
  put_behind_proxy("w1");
  start_and_deploy();
  spoil(Mode::flip, 3000);
}

TEST_F(Network, OfAWorkerRepeatsBytes) {
  put_behind_proxy("w1");
  start_and_deploy();
  spoil(Mode::repeat, 3000);
}

TEST_F(Network, OfTheHubIsHeld) {
  put_behind_proxy("hub");
  start_and_deploy();
  spoil(Mode::hold, 3000);
}

TEST_F(Network, OfTheHubIsCutAgainAndAgain) {
  put_behind_proxy("hub");
  start_and_deploy();
  for (int i = 0; i < 20; ++i) {
    ask_many(2);
    client_.listen(100);
    proxy_.cut();
  }
  expect_all_answered();
}

}  // namespace
}  // namespace hyps::test
