// PackedFile: the packed constants of one compiled graph in a file of their own, so that a later
// process maps them instead of packing again, and so that they need not be resident.
//
//   header     magic and version, key, number of constants, where the table is and its checksum
//   constants  in the order of compile(); each at a multiple of 64, large ones of a page
//   table      of each constant: offset, bytes, kind, digest
//
// Numbers are of the machine's own byte order: a file never leaves the machine that packed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/digest.hpp"
#include "common/base/result.hpp"

namespace hyps::engine {

// A file mapped read-only. Copies share the mapping; it lives as long as one of them or a constant
// of it. A file that is deleted meanwhile stays readable; it must not be truncated.
class PackedFile {
 public:
  struct Constant {
    std::uint64_t kind = 0;  // what compile() packed here: a checksum of how
    Blob bytes;
  };

  // Reads and checks all of it, in little memory. `key` names what was packed, by whom and how.
  // Errors: not_found, corrupt (damaged, truncated, or another key), io.
  static Result<PackedFile> open(const std::filesystem::path& path, const Digest& key);

  [[nodiscard]] const std::vector<Constant>& constants() const { return constants_; }

 private:
  friend class PackedWriter;
  std::vector<Constant> constants_;
};

// Writes a PackedFile beside `path`; finish() renames it. Unfinished, it leaves nothing behind.
class PackedWriter {
 public:
  PackedWriter(std::filesystem::path path, const Digest& key);
  ~PackedWriter();
  PackedWriter(const PackedWriter&) = delete;
  PackedWriter& operator=(const PackedWriter&) = delete;

  // `written` is called with one part after another, when it is in the file.
  using Written = std::function<void(std::span<const std::byte>)>;
  Status append(
      std::uint64_t kind, std::span<const std::byte> bytes,
      const Written& written = [](std::span<const std::byte>) {});
  Result<PackedFile> finish();

 private:
  struct Entry {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint64_t kind = 0;
    Digest digest;
  };
  struct Header;
  friend class PackedFile;

  Status write(std::span<const std::byte> bytes);
  [[nodiscard]] Error failed() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Digest key_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::vector<Entry> table_;
};

}  // namespace hyps::engine
