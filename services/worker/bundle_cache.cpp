#include "services/worker/bundle_cache.hpp"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "common/base/file.hpp"

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

// Files being fetched have other names and are not ours to touch.
std::vector<CachedFile> list(const fs::path& folder, const std::set<Digest>& kept) {
  std::vector<CachedFile> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto digest = Digest::from_hex(entry.path().filename().string());
    std::error_code ignored;
    if (!digest || !entry.is_regular_file(ignored)) continue;
    files.push_back({entry.path(), entry.last_write_time(ignored), entry.file_size(ignored),
                     kept.contains(*digest)});
  }
  return files;
}

}  // namespace

BundleCache::BundleCache(fs::path folder, std::uint64_t limit_bytes)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

Status BundleCache::open() {
  std::error_code error;
  fs::remove_all(folder_ / "open", error);
  for (const char* name : {"files", "open"}) {
    fs::create_directories(folder_ / name, error);
    if (error) return failed("create", folder_ / name, error);
  }
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::directory_iterator(files_folder(), error)) {
    if (!Digest::from_hex(entry.path().filename().string())) unfinished.push_back(entry.path());
  }
  for (const fs::path& path : unfinished) fs::remove(path, error);
  return {};
}

void BundleCache::touch(const protocol::FileRef& file) const {
  std::error_code ignored;  // not fetched yet
  fs::last_write_time(files_folder() / file.digest.hex(), fs::file_time_type::clock::now(),
                      ignored);
}

bool BundleCache::keep(const std::vector<protocol::FileRef>& files) {
  std::set<Digest> kept;
  for (const protocol::FileRef& file : files) {
    if (kept.insert(file.digest).second) touch(file);
  }
  std::vector<CachedFile> cached = list(files_folder(), kept);
  std::sort(cached.begin(), cached.end(),
            [](const CachedFile& a, const CachedFile& b) { return a.used < b.used; });
  std::uint64_t total = 0;
  for (const CachedFile& file : cached) {
    if (!file.kept) total += file.bytes;
  }
  std::set<Digest> counted;
  for (const protocol::FileRef& file : files) {
    if (counted.insert(file.digest).second) total += file.bytes;
  }
  for (const CachedFile& file : cached) {
    if (total <= limit_bytes_) break;
    std::error_code ignored;
    if (!file.kept && fs::remove(file.path, ignored)) total -= file.bytes;
  }
  return total <= limit_bytes_;
}

Result<fs::path> BundleCache::make_bundle(std::uint64_t number,
                                          const std::vector<protocol::FileRef>& files) const {
  const fs::path bundle = folder_ / "open" / std::to_string(number);
  std::error_code error;
  fs::remove_all(bundle, error);
  fs::create_directories(bundle, error);
  if (error) return failed("create", bundle, error);
  for (const protocol::FileRef& file : files) {
    if (const Status status = link(file, bundle / file.name); !status.ok()) {
      remove_bundle(bundle);
      return status.error();
    }
  }
  return bundle;
}

// Disks of cheap devices rot, and a wrong weight looks like any other.
Status BundleCache::link(const protocol::FileRef& file, const fs::path& target) const {
  const fs::path source = files_folder() / file.digest.hex();
  std::error_code error;
  HYPS_TRY(const Blob content, map_file(source));
  if (digest_of(content.bytes()) != file.digest) {
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
