#include "common/base/port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

namespace hyps {

namespace {

constexpr int kLowest = 15'000;
constexpr int kCount = 17'000;
constexpr int kAttempts = 1000;

bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return bound;
}

}  // namespace

Result<int> free_port() {
  std::random_device random;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int port = kLowest + static_cast<int>(random() % kCount);
    if (is_free(port)) return port;
  }
  return Error{ErrorKind::io, "no free port on the loopback"};
}

}  // namespace hyps
