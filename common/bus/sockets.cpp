#include "common/bus/sockets.hpp"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace hyps::bus {

namespace {

int peer_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return -1;
}

// What the peer has acknowledged, and what waits for that.
std::uint64_t written_into(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  int waiting = 0;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  if (::ioctl(fd, SIOCOUTQ, &waiting) != 0) return 0;
  return info.tcpi_bytes_acked + static_cast<std::uint64_t>(waiting);
}

}  // namespace

Sockets::Sockets(int port) {
  std::error_code error;  // without /proc messages are only slower
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= 0 && peer_port(fd) == port) sockets_.push_back({fd, written_into(fd)});
  }
}

void Sockets::send_without_delay() const {
  const int on = 1;
  for (const Socket& socket : sockets_) {
    ::setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
}

void Sockets::count_written() {
  for (Socket& socket : sockets_) {
    const std::uint64_t now = written_into(socket.fd);
    if (now <= socket.written) continue;  // also of one that is closed
    unwritten_ -= std::min(unwritten_, now - socket.written);
    socket.written = now;
  }
}

void Sockets::handed(std::size_t bytes) {
  count_written();
  unwritten_ += bytes;
}

Through Sockets::through() const {
  Through all;
  for (const Socket& socket : sockets_) {
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (::getsockopt(socket.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
    all.sent += info.tcpi_bytes_acked;
    all.received += info.tcpi_bytes_received;
  }
  return all;
}

// The kernel counts its own structures too: a quarter is left to them.
Room Sockets::room() {
  count_written();
  std::size_t limit = 0;
  std::size_t waiting = 0;
  for (const Socket& socket : sockets_) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof(memory);
    if (::getsockopt(socket.fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) continue;
    limit = std::max<std::size_t>(limit, memory[SK_MEMINFO_SNDBUF]);
    waiting = std::max<std::size_t>(waiting, memory[SK_MEMINFO_WMEM_QUEUED]);
  }
  if (limit == 0) return {};
  const std::size_t free = (limit - std::min(waiting, limit)) / 4 * 3;
  return {free - std::min<std::size_t>(free, unwritten_), limit / 4 * 3};
}

}  // namespace hyps::bus
