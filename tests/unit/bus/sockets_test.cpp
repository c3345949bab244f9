#include "common/bus/sockets.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <string>
#include <thread>

namespace hyps::bus {
namespace {

// A connection on the loopback: `near` is connected to `port`.
struct Connection {
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int near = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int far = -1;
  int port = 0;

  Connection() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* as_any = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener, as_any, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, as_any, &size), 0);
    EXPECT_EQ(::connect(near, as_any, size), 0);
    far = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    port = ntohs(address.sin_port);
    for (const int fd : {near, far}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  ~Connection() {
    for (const int fd : {listener, near, far}) ::close(fd);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
};

// Once the other end has read what was written, or never.
Room room_when_read(Sockets& sockets, const Connection& connection) {
  std::string bytes(1000, 'x');
  Room room = sockets.room();
  for (int i = 0; i < 5000 && room.bytes != room.capacity; ++i) {
    (void)!::read(connection.far, bytes.data(), bytes.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    room = sockets.room();
  }
  return room;
}

TEST(Sockets, those_that_are_not_there_have_room_for_everything) {
  constexpr auto kAll = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(Sockets().room().bytes, kAll);
  int port = 0;
  {
    const Connection gone;
    port = gone.port;
  }
  Sockets sockets(port);
  sockets.send_without_delay();
  sockets.handed(1000);
  EXPECT_EQ(sockets.room().bytes, kAll);
}

TEST(Sockets, what_was_handed_over_takes_room_until_it_is_sent) {
  const Connection connection;
  Sockets sockets(connection.port);
  const Room empty = sockets.room();
  EXPECT_GT(empty.bytes, 1000U);
  EXPECT_EQ(empty.bytes, empty.capacity);
  sockets.handed(1000);
  EXPECT_EQ(sockets.room().bytes, empty.bytes - 1000);
  std::string bytes(1000, 'x');
  ASSERT_EQ(::write(connection.near, bytes.data(), bytes.size()), 1000);
  const Room room = room_when_read(sockets, connection);
  EXPECT_EQ(room.bytes, room.capacity);
}

// The pulse's: a heartbeat at a time, for hours.
TEST(Sockets, what_another_one_has_carried_takes_no_room) {
  const Connection connection;
  const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  auto* as_any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::getpeername(connection.near, as_any, &size), 0);
  ASSERT_EQ(::connect(other, as_any, size), 0);
  Sockets sockets(connection.port);
  std::string bytes(20'000, 'x');
  ASSERT_EQ(::write(other, bytes.data(), bytes.size()), 20'000);
  bytes.resize(5000);
  sockets.handed(bytes.size());
  ASSERT_EQ(::write(connection.near, bytes.data(), bytes.size()), 5000);
  const Room room = room_when_read(sockets, connection);
  ::close(other);
  EXPECT_EQ(room.bytes, room.capacity);
}

TEST(Sockets, a_full_one_has_next_to_no_room) {
  const Connection connection;
  Sockets sockets(connection.port);
  const std::string bytes(64U << 10U, 'x');
  while (::write(connection.near, bytes.data(), bytes.size()) > 0) {
  }
  const Room room = sockets.room();
  EXPECT_LT(room.bytes, room.capacity / 4);
}

}  // namespace
}  // namespace hyps::bus
