// The sockets of this process that are connected to the broker, and how much they take. Paho does
// not show its own, so the process looks through its descriptors; those of others to the same port
// (the pulse's) are among them. What goes through them, little at a time and much in the end, must
// not be taken for what Paho still has to write: only what all of them grow by is compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hyps::bus {

// What a socket takes in one write, whole: now, and when nothing waits in it.
struct Room {
  std::size_t bytes = std::numeric_limits<std::size_t>::max();
  std::size_t capacity = std::numeric_limits<std::size_t>::max();
};

// What the kernels at both ends have seen through, since the socket was opened.
struct Through {
  std::uint64_t sent = 0;  // and acknowledged by the other end's kernel
  std::uint64_t received = 0;
};

// Not thread-safe.
class Sockets {
 public:
  Sockets() = default;  // none: their room is unlimited, as of those that cannot be looked at
  explicit Sockets(int port);

  // TCP_NODELAY. Paho does not set it; without it a small message behind another one waits 40 ms
  // for the broker's delayed acknowledgement.
  void send_without_delay() const;

  // So much was given to Paho, whose thread writes it, in a moment.
  void handed(std::size_t bytes);
  // Once all is written that was handed over.
  [[nodiscard]] Room room();
  [[nodiscard]] Through through() const;  // all of them

 private:
  struct Socket {
    int fd = -1;
    std::uint64_t written = 0;  // into it, when last looked at
  };
  // Counts what was written into any of them since it was last called.
  void count_written();

  std::vector<Socket> sockets_;
  std::uint64_t unwritten_ = 0;  // of what was handed over
};

}  // namespace hyps::bus
