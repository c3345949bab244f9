#include "common/bus/probe.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hyps::bus {

namespace {

// 0, or the errno of the attempt.
int try_address(const addrinfo& address, int timeout_ms) {
  const int fd = ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = ::connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd wait{fd, POLLOUT, 0};
    error = ETIMEDOUT;
    if (::poll(&wait, 1, timeout_ms) > 0) {
      socklen_t size = sizeof(error);
      if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
  }
  ::close(fd);
  return error;
}

}  // namespace

Status probe(const std::string& host, int port, int timeout_ms) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  if (const int code =
          ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &addresses);
      code != 0) {
    return Error{ErrorKind::disconnected, "cannot find " + host + ": " + ::gai_strerror(code)};
  }
  int error = EHOSTUNREACH;
  for (const addrinfo* address = addresses; address != nullptr && error != 0;
       address = address->ai_next) {
    error = try_address(*address, timeout_ms);
  }
  ::freeaddrinfo(addresses);
  if (error == 0) return {};
  return Error{ErrorKind::disconnected,
               host + ":" + std::to_string(port) + ": " + std::generic_category().message(error)};
}

}  // namespace hyps::bus
