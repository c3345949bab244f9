// Processes that freeze, are replaced one by one, or are in the way.
#include "scenario.hpp"

namespace hyps::test {
namespace {

using Processes = Scenario;

TEST_F(Processes, AWorkerFreezesAndWakesWithOldResults) {
  start_and_deploy();
  for (const auto& worker : cluster_.worker_names()) {
    ask_many(6);
    client_.listen(20);
    cluster_.pause(worker);
    ask_many(2);
    expect_all_answered();
    cluster_.resume(worker);
    ASSERT_TRUE(client_.wait_workers_online(3));
  }
  expect_still_answering();
}

TEST_F(Processes, AreRestartedOneByOne) {
  start_and_deploy();
  std::vector<std::string> names = cluster_.worker_names();
  names.insert(names.end(), {"manager", "hub", "broker"});
  for (const std::string& name : names) {
    ask_many(6);
    client_.listen(20);
    if (name == "broker") {
      cluster_.kill(name);
    } else {
      EXPECT_EQ(cluster_.terminate(name), 0) << name;
    }
    client_.listen(200);
    cluster_.start(name);
    ASSERT_TRUE(client_.wait_workers_online(3));
  }
  expect_all_answered();
}

// An MQTT 3.1.1 client, written by hand, that subscribes to everything and never reads.
class DeafSubscriber {
 public:
  explicit DeafSubscriber(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int small = 2048;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    say(std::string("\x10\x10\0\4MQTT\4\2\0\0\0\4deaf", 18));
    say(std::string("\x82\x06\0\1\0\1#\1", 8));
  }
  ~DeafSubscriber() { ::close(fd_); }
  DeafSubscriber(const DeafSubscriber&) = delete;
  DeafSubscriber& operator=(const DeafSubscriber&) = delete;
  [[nodiscard]] bool connected() const { return connected_; }

 private:
  void say(const std::string& bytes) {
    connected_ = connected_ && ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                                   static_cast<ssize_t>(bytes.size());
  }
  int fd_;
  bool connected_ = false;
};

TEST_F(Processes, ASubscriberNeverReads) {
  start_and_deploy();
  const DeafSubscriber deaf(cluster_.port());
  ASSERT_TRUE(deaf.connected());
  for (int i = 0; i < 10; ++i) {
    ask_many(8);
    client_.listen(100);
  }
  expect_all_answered();
}

}  // namespace
}  // namespace hyps::test
