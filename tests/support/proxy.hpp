// A TCP proxy that does to a connection what bad networks do: holds it, swallows, repeats or
// damages its bytes, cuts it. Two threads a connection; a seed decides which bytes.
#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <span>

#include "common/base/random.hpp"
#include "tests/support/process.hpp"

namespace hyps::test {

class Proxy {
 public:
  enum class Mode {
    pass,
    hold,    // nothing moves, nobody is told: a pulled cable
    drop,    // bytes are lost, and TCP does not know
    flip,    // now and then a bit is another
    repeat,  // now and then bytes come twice
  };

  Proxy(int target_port, std::uint64_t seed) : target_port_(target_port), random_(seed) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port_);
    const bool listens =
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
        ::listen(listener_, 16) == 0;
    if (!listens) throw std::runtime_error("the proxy cannot listen");
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Proxy() {
    stopped_ = true;
    acceptor_.join();
    for (std::thread& thread : pumps_) thread.join();
    ::close(listener_);
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  void set(Mode mode) { mode_ = mode; }
  // Every connection there is ends at once.
  void cut() { ++cuts_; }

 private:
  static constexpr int kPause_ms = 20;

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  // Within kPause_ms.
  static bool readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, kPause_ms) > 0;
  }

  void accept_all() {
    while (!stopped_) {
      if (!readable(listener_)) continue;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address = loopback(target_port_);
      if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        ::close(client);
        ::close(server);
        continue;
      }
      // Closed by whichever of the two directions ends last.
      auto pair = std::shared_ptr<void>(nullptr, [client, server](void*) {
        ::close(client);
        ::close(server);
      });
      const int cuts = cuts_;
      pumps_.emplace_back([this, client, server, pair, cuts] { pump(client, server, cuts); });
      pumps_.emplace_back([this, client, server, pair, cuts] { pump(server, client, cuts); });
    }
  }

  void pump(int from, int to, int cuts) {
    std::array<char, 16 * 1024> buffer{};
    while (!stopped_ && cuts_ == cuts) {
      if (mode_ == Mode::hold) {
        std::this_thread::sleep_for(std::chrono::milliseconds(kPause_ms));
        continue;
      }
      if (!readable(from)) continue;
      const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      if (!forward(to, {buffer.data(), static_cast<std::size_t>(got)})) break;
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
  }

  bool forward(int to, std::span<char> bytes) {
    const bool now = one_in(8);
    switch (mode_.load()) {
      case Mode::drop:
        return true;
      case Mode::flip:
        if (now) flip_a_bit(bytes);
        break;
      case Mode::repeat:
        if (now && !send_all(to, bytes)) return false;
        break;
      case Mode::pass:
      case Mode::hold:
        break;
    }
    return send_all(to, bytes);
  }
  static bool send_all(int to, std::span<const char> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool one_in(std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    return random_.below(n) == 0;
  }
  void flip_a_bit(std::span<char> bytes) {
    const std::lock_guard lock(mutex_);
    char& byte = bytes[random_.below(bytes.size())];
    byte = static_cast<char>(byte ^ (1 << random_.below(8)));
  }

  const int target_port_;
  const int port_ = free_port().value();
  int listener_ = -1;
  std::atomic<Mode> mode_{Mode::pass};
  std::atomic<int> cuts_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  Random random_;
  std::list<std::thread> pumps_;  // of the acceptor, until it is through
  std::thread acceptor_;
};

}  // namespace hyps::test
