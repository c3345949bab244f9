// Files in parts through the hub (PartPut/PartGet), for workers, managers and the command line.
// Pure state machines: at most `window` parts outstanding; a part not answered within 2 s, or twice
// the time that the latest answer took, is asked again; both survive a reconnect of either side,
// because every part stands for itself.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::runtime {

// Fetches files into a folder that names them by content: <folder>/<digest>. What is already there
// is not fetched. A file appears under its name only when whole and its digest is right; one whose
// digest is wrong three times, or that the disk does not take, is given up: idle() and not has();
// problem() says why.
class FileFetcher {
 public:
  explicit FileFetcher(std::filesystem::path folder, std::size_t window = 8);
  ~FileFetcher();

  void want(const protocol::FileRef& file);
  [[nodiscard]] bool has(const protocol::FileRef& file) const;  // on disk, whole
  [[nodiscard]] std::filesystem::path path_of(const protocol::FileRef& file) const;
  [[nodiscard]] bool idle() const;
  [[nodiscard]] const std::string& problem() const { return problem_; }  // of the last given up
  [[nodiscard]] std::uint64_t bytes_done() const;                        // of those asked for
  [[nodiscard]] std::uint64_t bytes_total() const;

  // Each returns the PartGet messages to send now.
  std::vector<protocol::PartGet> on_part(const protocol::Part& part, Milliseconds now);
  std::vector<protocol::PartGet> on_tick(Milliseconds now);
  // The hub does not have it: returns the error and stops asking.
  std::optional<Error> on_refused(const protocol::Refused& refused);

 private:
  struct Download;
  using Downloads = std::map<Digest, std::unique_ptr<Download>>;
  void conclude(Downloads::iterator finished);
  void give_up(Downloads::iterator download, const std::string& why);

  std::filesystem::path folder_;
  std::size_t window_;
  Downloads downloads_;
  std::string problem_;
  std::uint64_t finished_bytes_ = 0;
};

// Sends files to the hub.
class FileUploader {
 public:
  explicit FileUploader(std::size_t window = 8);
  ~FileUploader();
  // Maps the file; its digest is computed here.
  Result<protocol::FileRef> add(const std::filesystem::path& path, const std::string& name);
  [[nodiscard]] bool idle() const;
  [[nodiscard]] std::uint64_t bytes_done() const;
  [[nodiscard]] std::uint64_t bytes_total() const;

  std::vector<protocol::PartPut> on_stored(const protocol::PartStored& stored, Milliseconds now);
  std::vector<protocol::PartPut> on_tick(Milliseconds now);
  std::optional<Error> on_refused(const protocol::Refused& refused);

 private:
  struct Upload;
  std::size_t window_;
  std::map<Digest, std::unique_ptr<Upload>> uploads_;
};

}  // namespace hyps::runtime
