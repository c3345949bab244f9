#include "services/worker/bundle_cache.hpp"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "common/base/file_digest.hpp"

namespace hyps::worker {

namespace fs = std::filesystem;

namespace {

struct CachedFile {
  fs::path path;
  fs::file_time_type used;
  std::uint64_t bytes = 0;
  bool kept = false;
};

Error failed(const std::string& doing, const fs::path& path, const std::error_code& error) {
  return {ErrorKind::io, "cannot " + doing + " " + path.string() + ": " + error.message()};
}

constexpr const char* kWeightsFile = "weights.bin";

// Files being fetched or written have other names and are not ours to touch.
void list(const fs::path& folder, const std::set<Digest>& kept, std::vector<CachedFile>& files) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto digest = Digest::from_hex(entry.path().filename().string());
    std::error_code ignored;
    if (!digest || !entry.is_regular_file(ignored)) continue;
    files.push_back({entry.path(), entry.last_write_time(ignored), entry.file_size(ignored),
                     kept.contains(*digest)});
  }
}

void remove_unfinished(const fs::path& folder) {
  std::vector<fs::path> unfinished;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!Digest::from_hex(entry.path().filename().string())) unfinished.push_back(entry.path());
  }
  for (const fs::path& path : unfinished) fs::remove(path, error);
}

}  // namespace

BundleCache::BundleCache(fs::path folder, std::uint64_t limit_bytes, std::uint64_t reserve_bytes)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes), reserve_bytes_(reserve_bytes) {}

Status BundleCache::open() {
  std::error_code error;
  fs::remove_all(folder_ / "open", error);
  for (const char* name : {"files", "packed", "open"}) {
    fs::create_directories(folder_ / name, error);
    if (error) return failed("create", folder_ / name, error);
  }
  for (const char* name : {"files", "packed"}) remove_unfinished(folder_ / name);
  return {};
}

void BundleCache::touch(const protocol::FileRef& file) const {
  std::error_code ignored;  // not fetched yet
  fs::last_write_time(files_folder() / file.digest.hex(), fs::file_time_type::clock::now(),
                      ignored);
}

bool BundleCache::keep(const std::vector<protocol::FileRef>& files) {
  const std::lock_guard lock(mutex_);
  kept_.clear();
  kept_bytes_ = 0;
  for (const protocol::FileRef& file : files) {
    if (!kept_.insert(file.digest).second) continue;
    kept_bytes_ += file.bytes;
    touch(file);
  }
  return evict();
}

fs::path BundleCache::packed_file(const Digest& key) const {
  return folder_ / "packed" / key.hex();
}

void BundleCache::use_packed(const Digest& key) {
  std::error_code ignored;
  fs::last_write_time(packed_file(key), fs::file_time_type::clock::now(), ignored);
  const std::lock_guard lock(mutex_);
  (void)evict();
}

std::uint64_t BundleCache::room_on_disk() const {
  std::error_code error;
  const fs::space_info space = fs::space(folder_, error);
  if (error) return limit_bytes_;
  return space.available - std::min<std::uint64_t>(space.available, reserve_bytes_);
}

bool BundleCache::evict() {
  std::vector<CachedFile> cached;
  list(files_folder(), kept_, cached);
  list(folder_ / "packed", {}, cached);
  std::sort(cached.begin(), cached.end(),
            [](const CachedFile& a, const CachedFile& b) { return a.used < b.used; });
  std::uint64_t total = kept_bytes_;  // some of it is not fetched yet
  std::uint64_t here = 0;
  for (const CachedFile& file : cached) {
    here += file.bytes;
    if (!file.kept) total += file.bytes;
  }
  const std::uint64_t most = std::min(limit_bytes_, here + room_on_disk());
  for (const CachedFile& file : cached) {
    if (total <= most) break;
    std::error_code ignored;
    if (!file.kept && fs::remove(file.path, ignored)) total -= file.bytes;
  }
  return total <= limit_bytes_;
}

Result<fs::path> BundleCache::make_bundle(std::uint64_t number,
                                          const std::vector<protocol::FileRef>& files,
                                          Check check) const {
  const fs::path bundle = folder_ / "open" / std::to_string(number);
  std::error_code error;
  fs::remove_all(bundle, error);
  fs::create_directories(bundle, error);
  if (error) return failed("create", bundle, error);
  for (const protocol::FileRef& file : files) {
    const bool whole = check == Check::all || file.name != kWeightsFile;
    if (const Status status = link(file, bundle / file.name, whole); !status.ok()) {
      remove_bundle(bundle);
      return status.error();
    }
  }
  return bundle;
}

// Disks of cheap devices rot, and a wrong weight looks like any other.
Status BundleCache::link(const protocol::FileRef& file, const fs::path& target, bool check) const {
  const fs::path source = files_folder() / file.digest.hex();
  std::error_code error;
  const auto digest = check ? FileDigester(source).whole() : Result<Digest>(file.digest);
  if (!digest) return digest.error();
  if (*digest != file.digest) {
    fs::remove(source, error);
    return Error{ErrorKind::corrupt, "the cached file " + file.name +
                                         " is damaged; it was deleted and is fetched again"};
  }
  fs::create_hard_link(source, target, error);
  if (!error) return {};
  fs::copy_file(source, target, error);  // some file systems know no hard links
  if (error) return failed("copy " + file.name + " from", source, error);
  return {};
}

void BundleCache::remove_bundle(const fs::path& bundle) {
  std::error_code ignored;
  fs::remove_all(bundle, ignored);
}

}  // namespace hyps::worker
