// Files in parts through the hub, as runtime::FileFetcher and FileUploader do it, without a disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::sim {

using FileCache = std::map<Digest, Blob>;

class Download {
 public:
  explicit Download(FileCache& cache) : cache_(cache) {}

  void want(const protocol::FileRef& file);
  [[nodiscard]] bool has(const protocol::FileRef& file) const;
  [[nodiscard]] bool idle() const { return files_.empty(); }
  std::vector<protocol::Message> on_tick(Milliseconds now);
  void on_part(const protocol::Part& part);
  // True if it was wanted; it is no more.
  bool on_refused(const protocol::Refused& refused) { return files_.erase(refused.file) > 0; }

 private:
  struct File {
    std::uint64_t bytes = 0;
    std::map<std::uint64_t, std::string> parts;
    std::map<std::uint64_t, Milliseconds> asked;
    int starts = 1;
  };
  FileCache& cache_;
  std::map<Digest, File> files_;
};

class Upload {
 public:
  void add(const Blob& file);
  [[nodiscard]] bool idle() const { return parts_.empty(); }
  std::vector<protocol::Message> on_tick(Milliseconds now);
  void on_stored(const protocol::PartStored& stored);
  [[nodiscard]] bool is_about(const protocol::Refused& refused) const;

 private:
  struct Part {
    protocol::PartPut put;
    std::optional<Milliseconds> asked;
  };
  std::map<std::pair<Digest, std::uint64_t>, Part> parts_;
};

}  // namespace hyps::sim
