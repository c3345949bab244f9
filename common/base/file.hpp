// Whole files, mapped or written atomically. The few places that touch the file system for small
// things come here; RocksDB has its own port.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"

namespace hyps {

// Maps the file read-only; nothing is read until it is touched. The mapping lives as long as the
// Blob or a slice of it. A file that is truncated while mapped is the caller's risk.
Result<Blob> map_file(const std::filesystem::path& path);
// Reads up to `limit` bytes; a larger file is an error.
Result<Blob> read_file(const std::filesystem::path& path, std::size_t limit);
// Writes to a temporary file beside `path` and renames it: readers see the old or the new.
Status write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
Status write_file(const std::filesystem::path& path, std::string_view text);

// A folder of its own under $TMPDIR, removed with all in it when this goes.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string_view prefix = "hyps");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hyps
