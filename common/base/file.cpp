#include "common/base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace hyps {

namespace {

Error os_error(const std::filesystem::path& path, const char* doing) {
  const int code = errno;
  const ErrorKind kind = code == ENOENT ? ErrorKind::not_found : ErrorKind::io;
  return {kind, std::string("cannot ") + doing + " " + path.string() + ": " +
                    std::generic_category().message(code)};
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Without waiting, should it be a pipe; regular files do not care.
int open_to_read(const std::filesystem::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

Result<std::size_t> regular_file_size(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return os_error(path, "read");
  if (!S_ISREG(info.st_mode)) return Error{ErrorKind::invalid, path.string() + " is no file"};
  return static_cast<std::size_t>(info.st_size);
}

}  // namespace

Result<Blob> map_file(const std::filesystem::path& path) {
  const FileDescriptor fd(open_to_read(path));
  if (fd.get() < 0) return os_error(path, "open");
  HYPS_TRY(const std::size_t size, regular_file_size(fd.get(), path));
  if (size == 0) return Blob{};
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) return os_error(path, "map");
  std::shared_ptr<const void> owner(address, [size](void* start) { ::munmap(start, size); });
  return Blob(std::move(owner), {static_cast<const std::byte*>(address), size});
}

Result<Blob> read_file(const std::filesystem::path& path, std::size_t limit) {
  const FileDescriptor fd(open_to_read(path));
  if (fd.get() < 0) return os_error(path, "open");
  HYPS_TRY(const std::size_t size, regular_file_size(fd.get(), path));
  if (size > limit) {
    return Error{ErrorKind::invalid, path.string() + " has " + std::to_string(size) +
                                         " bytes, more than the " + std::to_string(limit) +
                                         " allowed here"};
  }
  std::vector<std::byte> bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd.get(), bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error(path, "read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return Blob::of(std::move(bytes));
}

Status write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::filesystem::path temporary = path.string() + ".tmp" + std::to_string(::getpid());
  {
    const FileDescriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) return os_error(temporary, "create");
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const Error error = os_error(temporary, "write");
        ::unlink(temporary.c_str());
        return error;
      }
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = os_error(path, "write");
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

Status write_file(const std::filesystem::path& path, std::string_view text) {
  return write_file(path, std::as_bytes(std::span(text)));
}

TemporaryFolder::TemporaryFolder(std::string_view prefix) {
  std::string name =
      (std::filesystem::temp_directory_path() / (std::string(prefix) + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace hyps
