// A broker that misbehaves on command: it speaks just enough MQTT 5 to be connected to.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace hyps::test {

class FakeBroker {
 public:
  enum class Mood {
    silent,  // takes connections and never says a word
    rude,    // says hello, then resets the connection
    deaf,    // says hello, then reads and acknowledges nothing
    kind,    // acknowledges
  };
  // `mood_of` tells what to be at the n-th connection (from 0).
  explicit FakeBroker(std::function<Mood(int)> mood_of) : mood_of_(std::move(mood_of)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no free port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeBroker() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // How often a client said CONNECT; a plain probe of the port does not.
  [[nodiscard]] int connections() const { return connections_.load(); }
  // Payloads acknowledged.
  [[nodiscard]] std::vector<std::string> taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  static constexpr unsigned kConnect = 1;
  static constexpr unsigned kPublish = 3;
  static constexpr unsigned kPing = 12;

  void run() {
    while (!stopping_) {
      if (!readable(listener_)) continue;
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd >= 0) serve(fd);
    }
  }

  // One connection at a time is enough. Closes it.
  void serve(int fd) {
    std::string input;
    Mood mood = Mood::kind;
    while (!stopping_ && receive(fd, input)) {
      for (std::string packet; take_packet(input, packet);) {
        const unsigned type = static_cast<std::uint8_t>(packet[0]) >> 4U;
        if (type == kConnect) mood = mood_of_(connections_++);
        if (mood == Mood::silent) continue;
        if (type == kConnect) say(fd, {0x20, 3, 0, 0, 0});
        if (type == kConnect && mood == Mood::rude) return reset(fd);
        if (type == kPing) say(fd, {0xd0, 0});
        if (type == kPublish && mood == Mood::kind) acknowledge(fd, packet);
      }
    }
    ::close(fd);
  }

  void acknowledge(int fd, const std::string& packet) {
    std::size_t at = 1;
    while ((packet[at++] & 0x80) != 0) continue;
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(packet.at(i)); };
    at += 2U + (byte(at) * 256U + byte(at + 1));
    const std::uint8_t high = byte(at);
    const std::uint8_t low = byte(at + 1);
    at += 3;  // and a length of properties, which is 0 here
    {
      const std::lock_guard lock(mutex_);
      taken_.push_back(packet.substr(at));
    }
    say(fd, {0x40, 2, high, low});
  }

  // Splits a whole packet off, if there is one.
  static bool take_packet(std::string& input, std::string& packet) {
    std::size_t length = 0;
    for (std::size_t i = 1; i < std::min<std::size_t>(input.size(), 5); ++i) {
      const auto byte = static_cast<std::uint8_t>(input[i]);
      length |= static_cast<std::size_t>(byte & 0x7fU) << (7 * (i - 1));
      if ((byte & 0x80U) != 0) continue;
      if (input.size() < i + 1 + length) return false;
      packet = input.substr(0, i + 1 + length);
      input.erase(0, i + 1 + length);
      return true;
    }
    return false;
  }

  static bool readable(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, 10) > 0;
  }
  // False when the peer is gone.
  static bool receive(int fd, std::string& input) {
    if (!readable(fd)) return true;
    std::string buffer(65536, '\0');
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    input.append(buffer, 0, static_cast<std::size_t>(got));
    return true;
  }
  static void say(int fd, const std::vector<std::uint8_t>& bytes) {
    (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  static void reset(int fd) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ::close(fd);
  }

  std::function<Mood(int)> mood_of_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<std::string> taken_;
  std::thread thread_;
};

}  // namespace hyps::test
