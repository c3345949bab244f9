// The digest of a file, or of a part of it, read through a small buffer: checking a large file
// neither maps it nor keeps it in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/digest.hpp"
#include "common/base/result.hpp"

namespace hyps {

class FileDigester {
 public:
  // A file that cannot be opened gives errors (not_found, io) later.
  explicit FileDigester(std::filesystem::path path);
  ~FileDigester();
  FileDigester(const FileDigester&) = delete;
  FileDigester& operator=(const FileDigester&) = delete;

  Result<Digest> whole();
  // Up to the end of the file, should that come first.
  Result<Digest> part(std::uint64_t offset, std::uint64_t bytes);

 private:
  std::filesystem::path path_;
  int fd_;
  int error_;
  std::vector<std::byte> buffer_;
};

}  // namespace hyps
