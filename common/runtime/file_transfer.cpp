#include "common/runtime/file_transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "common/base/digest.hpp"
#include "common/base/file.hpp"
#include "common/base/file_digest.hpp"

namespace hyps::runtime {

namespace {

// How long an answer is waited for before the part is asked for again. Twice the time that the
// latest answer took, for a repeated request only lengthens the queue of a slow line; and without
// any answer it doubles up to a bound that is short enough for a hub that comes back.
constexpr Milliseconds kLeastPatience{2000};
constexpr Milliseconds kUnansweredPatience{8000};
constexpr Milliseconds kMostPatience{60'000};
constexpr int kMaxStarts = 3;  // a file whose digest is wrong so often is given up

using protocol::kPartBytes;

// The parts of one file: how far it is asked for, and which answers are missing since when. Holds
// at most a window of entries, however large the file claims to be.
class Parts {
 public:
  explicit Parts(std::uint64_t bytes) : bytes_(bytes) {}

  void restart() { *this = Parts(bytes_); }
  // Offsets to ask for now, so that at most `window` are outstanding.
  std::vector<std::uint64_t> ask(std::size_t window, Milliseconds now) {
    std::vector<std::uint64_t> offsets;
    for (auto& [offset, request] : asked_) {
      if (now - request.last < patience_) continue;
      request.last = now;
      offsets.push_back(offset);
    }
    if (!offsets.empty() && patience_ < kUnansweredPatience) patience_ *= 2;
    while (!all_asked() && asked_.size() < window) {
      const std::uint64_t offset = next_part_++ * kPartBytes;
      offsets.push_back(offset);
      asked_[offset] = {now, now};
    }
    return offsets;
  }
  [[nodiscard]] bool awaits(std::uint64_t offset) const { return asked_.contains(offset); }
  // True if this part was outstanding.
  bool answered(std::uint64_t offset, Milliseconds now) {
    const auto request = asked_.find(offset);
    if (request == asked_.end()) return false;
    patience_ = std::clamp(2 * (now - request->second.first), kLeastPatience, kMostPatience);
    asked_.erase(request);
    done_bytes_ += size_at(offset);
    return true;
  }
  // REQUIRES: the offset was asked for.
  [[nodiscard]] std::uint64_t size_at(std::uint64_t offset) const {
    return std::min(kPartBytes, bytes_ - offset);
  }
  [[nodiscard]] bool finished() const { return all_asked() && asked_.empty(); }
  [[nodiscard]] std::uint64_t done_bytes() const { return done_bytes_; }

 private:
  // An empty file has one empty part, so that it is asked for at all.
  [[nodiscard]] bool all_asked() const {
    return next_part_ > 0 && next_part_ >= bytes_ / kPartBytes + (bytes_ % kPartBytes == 0 ? 0 : 1);
  }

  struct Request {
    Milliseconds first{0};
    Milliseconds last{0};
  };
  std::uint64_t bytes_;
  std::uint64_t done_bytes_ = 0;
  std::uint64_t next_part_ = 0;
  std::map<std::uint64_t, Request> asked_;
  Milliseconds patience_ = kLeastPatience;
};

Status write_part(const std::filesystem::path& path, const protocol::Part& part) {
  errno = 0;
  std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(part.offset));
  out.write(part.data.text().data(), static_cast<std::streamsize>(part.data.size()));
  out.close();
  if (!out.fail()) return {};
  const std::string why =
      errno == 0 ? "the disk does not take it" : std::generic_category().message(errno);
  return Error{ErrorKind::io, "cannot write " + path.string() + ": " + why};
}

// What is hashed as it arrives, in order as a rule, need not be read again at once: of a large file
// that would take longer than others wait for a sign of life.
class PartsDigest {
 public:
  void add(const protocol::Part& part) {
    if (part.offset != bytes_) return;
    digester_.add(part.data.bytes());
    bytes_ += part.data.size();
  }
  // Of the whole file.
  Result<Digest> result(const protocol::FileRef& file, const std::filesystem::path& path) const {
    if (bytes_ == file.bytes) return digester_.result();
    return FileDigester(path).whole();
  }

 private:
  Digester digester_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

// ---- fetching ---------------------------------------------------------------------------------

struct FileFetcher::Download {
  Download(protocol::FileRef reference, std::filesystem::path partial)
      : file(std::move(reference)), path(std::move(partial)), parts(file.bytes) {}
  protocol::FileRef file;
  std::filesystem::path path;
  Parts parts;
  PartsDigest digest;
  int starts = 1;
};

FileFetcher::FileFetcher(std::filesystem::path folder, std::size_t window)
    : folder_(std::move(folder)), window_(window) {}
FileFetcher::~FileFetcher() = default;

std::filesystem::path FileFetcher::path_of(const protocol::FileRef& file) const {
  return folder_ / file.digest.hex();
}

bool FileFetcher::has(const protocol::FileRef& file) const {
  std::error_code error;
  return std::filesystem::file_size(path_of(file), error) == file.bytes && !error;
}

void FileFetcher::want(const protocol::FileRef& file) {
  if (has(file) || downloads_.contains(file.digest)) return;
  // Somebody may have emptied the cache. What cannot be made shows when the first part is written.
  std::error_code ignored;
  std::filesystem::create_directories(folder_, ignored);
  const std::filesystem::path partial = path_of(file).string() + ".part";
  std::ofstream(partial, std::ios::binary | std::ios::trunc).close();
  downloads_[file.digest] = std::make_unique<Download>(file, partial);
}

bool FileFetcher::idle() const { return downloads_.empty(); }

std::uint64_t FileFetcher::bytes_done() const {
  std::uint64_t bytes = finished_bytes_;
  for (const auto& [digest, download] : downloads_) bytes += download->parts.done_bytes();
  return bytes;
}

std::uint64_t FileFetcher::bytes_total() const {
  std::uint64_t bytes = finished_bytes_;
  for (const auto& [digest, download] : downloads_) bytes += download->file.bytes;
  return bytes;
}

std::vector<protocol::PartGet> FileFetcher::on_tick(Milliseconds now) {
  std::vector<protocol::PartGet> requests;
  if (downloads_.empty()) return requests;
  // One file after another, so that at most `window_` parts are outstanding.
  const auto& [digest, download] = *downloads_.begin();
  for (const std::uint64_t offset : download->parts.ask(window_, now)) {
    requests.push_back({digest, offset});
  }
  return requests;
}

std::vector<protocol::PartGet> FileFetcher::on_part(const protocol::Part& part, Milliseconds now) {
  const auto found = downloads_.find(part.file);
  if (found == downloads_.end()) return {};
  Download& download = *found->second;
  if (!download.parts.awaits(part.offset) ||
      part.data.size() != download.parts.size_at(part.offset)) {
    return on_tick(now);
  }
  download.parts.answered(part.offset, now);
  download.digest.add(part);
  if (const Status status = write_part(download.path, part); !status.ok()) {
    give_up(found, status.error().message);
  } else if (download.parts.finished()) {
    conclude(found);
  }
  return on_tick(now);
}

void FileFetcher::conclude(Downloads::iterator finished) {
  Download& download = *finished->second;
  const auto digest = download.digest.result(download.file, download.path);
  std::error_code ignored;  // then has() stays false, and it is fetched again when wanted
  if (digest.ok() && *digest == download.file.digest) {
    finished_bytes_ += download.file.bytes;
    std::filesystem::rename(download.path, path_of(download.file), ignored);
    downloads_.erase(finished);
  } else if (++download.starts > kMaxStarts) {
    give_up(finished, digest.ok() ? download.file.name + " arrived damaged again and again"
                                  : digest.error().message);
  } else {
    download.parts.restart();
    download.digest = {};
  }
}

void FileFetcher::give_up(Downloads::iterator download, const std::string& why) {
  problem_ = why;
  std::error_code ignored;
  std::filesystem::remove(download->second->path, ignored);
  downloads_.erase(download);
}

std::optional<Error> FileFetcher::on_refused(const protocol::Refused& refused) {
  const auto found = downloads_.find(refused.file);
  if (found == downloads_.end()) return std::nullopt;
  const Error error{ErrorKind::not_found,
                    fmt::format("the hub gives no {} ({}): {}", found->second->file.name,
                                refused.file.hex(), refused.message)};
  give_up(found, error.message);
  return error;
}

// ---- sending ----------------------------------------------------------------------------------

struct FileUploader::Upload {
  Upload(Blob contents, std::string what)
      : data(std::move(contents)), name(std::move(what)), parts(data.size()) {}
  Blob data;
  std::string name;
  Parts parts;
};

FileUploader::FileUploader(std::size_t window) : window_(window) {}
FileUploader::~FileUploader() = default;

Result<protocol::FileRef> FileUploader::add(const std::filesystem::path& path,
                                            const std::string& name) {
  HYPS_TRY(Blob data, map_file(path));
  const protocol::FileRef file{name, data.size(), digest_of(data.bytes())};
  uploads_.try_emplace(file.digest, std::make_unique<Upload>(std::move(data), name));
  return file;
}

bool FileUploader::idle() const {
  return std::all_of(uploads_.begin(), uploads_.end(),
                     [](const auto& item) { return item.second->parts.finished(); });
}

std::uint64_t FileUploader::bytes_done() const {
  std::uint64_t bytes = 0;
  for (const auto& [digest, upload] : uploads_) bytes += upload->parts.done_bytes();
  return bytes;
}

std::uint64_t FileUploader::bytes_total() const {
  std::uint64_t bytes = 0;
  for (const auto& [digest, upload] : uploads_) bytes += upload->data.size();
  return bytes;
}

std::vector<protocol::PartPut> FileUploader::on_tick(Milliseconds now) {
  std::vector<protocol::PartPut> parts;
  for (auto& [digest, upload] : uploads_) {
    if (upload->parts.finished()) continue;
    for (const std::uint64_t offset : upload->parts.ask(window_, now)) {
      parts.push_back({digest, upload->data.size(), offset,
                       upload->data.slice(offset, upload->parts.size_at(offset))});
    }
    break;  // one file after another, so that at most `window_` parts are outstanding
  }
  return parts;
}

std::vector<protocol::PartPut> FileUploader::on_stored(const protocol::PartStored& stored,
                                                       Milliseconds now) {
  const auto found = uploads_.find(stored.file);
  if (found == uploads_.end()) return {};
  found->second->parts.answered(stored.offset, now);  // a duplicate changes nothing
  return on_tick(now);
}

std::optional<Error> FileUploader::on_refused(const protocol::Refused& refused) {
  const auto found = uploads_.find(refused.file);
  if (found == uploads_.end()) return std::nullopt;
  return Error{ErrorKind::overloaded,
               fmt::format("the hub refuses {}: {}", found->second->name, refused.message)};
}

}  // namespace hyps::runtime
