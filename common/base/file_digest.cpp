#include "common/base/file_digest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace hyps {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10U;

Error failed(const std::filesystem::path& path, int code) {
  const ErrorKind kind = code == ENOENT ? ErrorKind::not_found : ErrorKind::io;
  return {kind, "cannot read " + path.string() + ": " + std::generic_category().message(code)};
}

}  // namespace

FileDigester::FileDigester(std::filesystem::path path)
    : path_(std::move(path)),
      fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
      error_(fd_ < 0 ? errno : 0),
      buffer_(kBufferBytes) {}

FileDigester::~FileDigester() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Digest> FileDigester::whole() { return part(0, std::numeric_limits<std::uint64_t>::max()); }

Result<Digest> FileDigester::part(std::uint64_t offset, std::uint64_t bytes) {
  if (fd_ < 0) return failed(path_, error_);
  Digester digester;
  while (bytes > 0) {
    const auto wanted = std::min<std::uint64_t>(bytes, buffer_.size());
    const auto got = ::pread(fd_, buffer_.data(), wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path_, errno);
    if (got == 0) break;
    digester.add(std::span(buffer_).first(static_cast<std::size_t>(got)));
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
  return digester.result();
}

}  // namespace hyps
