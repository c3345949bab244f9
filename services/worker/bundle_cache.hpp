// BundleCache: the files of bundles on disk, by content, within a bound; and bundle directories
// made of them for as long as they are being opened.
//   <folder>/files/<digest>   what FileFetcher fetches; the time of last use is the file's own
//   <folder>/packed/<key>     packed weights, made here; may be deleted at any time
//   <folder>/open/<n>/<name>  hard links, removed after opening
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::worker {

class BundleCache {
 public:
  // `reserve_bytes` of the disk are left free, as far as what may be evicted allows.
  BundleCache(std::filesystem::path folder, std::uint64_t limit_bytes,
              std::uint64_t reserve_bytes = std::uint64_t{64} << 20U);

  // Creates the folders and removes what a killed process left behind. Call before all else.
  Status open();
  [[nodiscard]] std::filesystem::path files_folder() const { return folder_ / "files"; }

  // What may not be evicted from now on; all else may, least recently used first, until the rest is
  // within the limit. False when what is kept alone is above it.
  bool keep(const std::vector<protocol::FileRef>& files);

  // Where packed weights of this key are or may be written. Thread-safe.
  [[nodiscard]] std::filesystem::path packed_file(const Digest& key) const;
  // After writing one, or before using one: it counts as just used, and others go until all is
  // within the limit again. Thread-safe.
  void use_packed(const Digest& key);

  enum class Check { all, all_but_weights };
  // A directory with these files under their names, their content checked. Thread-safe against
  // keep() as long as the files are kept. REQUIRES: names are valid (no folders) and the files are
  // there.
  Result<std::filesystem::path> make_bundle(std::uint64_t number,
                                            const std::vector<protocol::FileRef>& files,
                                            Check check = Check::all) const;
  static void remove_bundle(const std::filesystem::path& bundle);

 private:
  [[nodiscard]] Status link(const protocol::FileRef& file, const std::filesystem::path& target,
                            bool check) const;
  void touch(const protocol::FileRef& file) const;
  [[nodiscard]] bool evict();
  [[nodiscard]] std::uint64_t room_on_disk() const;

  std::filesystem::path folder_;
  std::uint64_t limit_bytes_;
  std::uint64_t reserve_bytes_;
  std::mutex mutex_;  // guards what follows, and deleting
  std::set<Digest> kept_;
  std::uint64_t kept_bytes_ = 0;  // fetched or not
};

}  // namespace hyps::worker
