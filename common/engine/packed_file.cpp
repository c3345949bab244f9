#include "common/engine/packed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/base/file.hpp"
#include "common/base/file_digest.hpp"

namespace hyps::engine {

namespace {

constexpr std::array<char, 8> kMagic{'h', 'y', 'p', 's', 'p', 'k', '0', '1'};
constexpr std::uint64_t kSmallUnit = 64;    // for vector loads
constexpr std::uint64_t kLargeUnit = 4096;  // pages of it can be given back by themselves
constexpr std::size_t kPartBytes = std::size_t{4} << 20U;

Error corrupt(const std::filesystem::path& path, const char* what) {
  return {ErrorKind::corrupt, "the packed weights in " + path.string() + " are " + what};
}

}  // namespace

struct PackedWriter::Header {
  std::array<char, 8> magic = kMagic;
  Digest key;
  std::uint64_t count = 0;
  std::uint64_t table = 0;  // its offset; it ends the file
  Digest table_digest;
};

// ---- reading ------------------------------------------------------------------------------------

Result<PackedFile> PackedFile::open(const std::filesystem::path& path, const Digest& key) {
  using Entry = PackedWriter::Entry;
  HYPS_TRY(const Blob file, map_file(path));
  PackedWriter::Header header;
  if (file.size() < sizeof(header)) return corrupt(path, "truncated");
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.magic != kMagic || header.key != key) return corrupt(path, "another graph's");
  const bool fits = header.table <= file.size() && header.count <= file.size() / sizeof(Entry) &&
                    file.size() - header.table == header.count * sizeof(Entry);
  if (!fits) return corrupt(path, "truncated");
  std::vector<Entry> table(header.count);
  const Blob bytes = file.slice(header.table, header.count * sizeof(Entry));
  if (digest_of(bytes.bytes()) != header.table_digest) return corrupt(path, "damaged");
  if (!bytes.empty()) std::memcpy(table.data(), bytes.data(), bytes.size());

  FileDigester digester(path);
  PackedFile packed;
  for (const Entry& entry : table) {
    if (entry.offset > header.table || entry.bytes > header.table - entry.offset) {
      return corrupt(path, "damaged");
    }
    HYPS_TRY(const Digest digest, digester.part(entry.offset, entry.bytes));
    if (digest != entry.digest) return corrupt(path, "damaged");
    packed.constants_.push_back({entry.kind, file.slice(entry.offset, entry.bytes)});
  }
  return packed;
}

// ---- writing ------------------------------------------------------------------------------------

PackedWriter::PackedWriter(std::filesystem::path path, const Digest& key)
    : path_(std::move(path)),
      temporary_(path_.string() + ".tmp" + std::to_string(::getpid())),
      key_(key),
      fd_(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)),
      size_(sizeof(Header)) {}  // which is written last

PackedWriter::~PackedWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error PackedWriter::failed() const {
  return {ErrorKind::io, "cannot write packed weights to " + path_.string() + ": " +
                             std::generic_category().message(errno)};
}

Status PackedWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return failed();
    size_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Status PackedWriter::append(std::uint64_t kind, std::span<const std::byte> bytes,
                            const Written& written) {
  const auto unit = bytes.size() < kLargeUnit ? kSmallUnit : kLargeUnit;
  size_ = (size_ + unit - 1) / unit * unit;  // what lies between is a hole
  Entry entry{size_, bytes.size(), kind, {}};
  Digester digester;
  for (std::size_t at = 0; at < bytes.size(); at += kPartBytes) {
    const auto part = bytes.subspan(at, std::min(kPartBytes, bytes.size() - at));
    digester.add(part);
    HYPS_CHECK(write(part));
    written(part);
  }
  entry.digest = digester.result();
  table_.push_back(entry);
  return {};
}

Result<PackedFile> PackedWriter::finish() {
  Header header;
  header.key = key_;
  header.count = table_.size();
  size_ = (size_ + kSmallUnit - 1) / kSmallUnit * kSmallUnit;
  header.table = size_;
  const auto table = std::as_bytes(std::span(table_));
  header.table_digest = digest_of(table);
  HYPS_CHECK(write(table));
  // A file that ends in a hole would be shorter than it says.
  if (table.empty() && ::ftruncate(fd_, static_cast<off_t>(size_)) != 0) return failed();
  size_ = 0;
  HYPS_CHECK(write(std::as_bytes(std::span(&header, 1))));
  // What the disk would refuse later, these mapped pages would lose silently.
  if (::fdatasync(fd_) != 0) return failed();
  HYPS_TRY(const Blob file, map_file(temporary_));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed();
  temporary_.clear();
  PackedFile packed;
  for (const Entry& entry : table_) {
    packed.constants_.push_back({entry.kind, file.slice(entry.offset, entry.bytes)});
  }
  return packed;
}

}  // namespace hyps::engine
