// Preparation: carries one model from its files in the hub to its bundles in the hub. Driven by the
// shell's loop; builds on a thread of its own.
//   fetching ─▶ building ─▶ uploading ─▶ Prepared; from each: PrepareFailed
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/time.hpp"
#include "common/runtime/file_transfer.hpp"
#include "services/manager/builder.hpp"
#include "services/manager/events.hpp"

namespace hyps::manager {

// What the builder's thread hands over.
struct BuildDone {
  WorkNumber work = 0;
  std::optional<BuildFailure> failure;
  std::string plan_json;
  std::vector<protocol::BundleRef> bundles;
  std::shared_ptr<runtime::FileUploader> uploader;  // has all files
};

class Preparation {
 public:
  // `post` is called on the builder's thread. Nothing else may use `folder`; it is emptied first
  // and last.
  Preparation(PrepareModel order, std::filesystem::path folder, std::uint64_t limit_bytes,
              std::function<void(BuildDone)> post);
  ~Preparation();  // waits for the builder, which stops after the partition it writes
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  // Each returns what to send to the hub.
  std::vector<protocol::Message> begin(Milliseconds now);
  std::vector<protocol::Message> on_message(const protocol::Message& message, Milliseconds now);
  std::vector<protocol::Message> on_tick(Milliseconds now);
  std::vector<protocol::Message> on_built(const BuildDone& done, Milliseconds now);

  // Prepared or PrepareFailed, once.
  std::optional<Event> take_outcome() { return std::exchange(outcome_, std::nullopt); }

 private:
  enum class Phase { fetching, building, uploading, ended };

  void fail(PrepareFailed::Cause cause, const std::string& message);
  void on_refused(const protocol::Refused& refused);
  void build_when_fetched();
  void end_when_uploaded();
  [[nodiscard]] Status link_files() const;
  void run_builder();

  const PrepareModel order_;
  const std::filesystem::path folder_;
  const std::uint64_t limit_bytes_;
  const std::function<void(BuildDone)> post_;
  Phase phase_ = Phase::fetching;
  std::unique_ptr<runtime::FileFetcher> fetcher_;
  std::shared_ptr<runtime::FileUploader> uploader_;
  Prepared prepared_;
  std::optional<Event> outcome_;
  std::atomic<bool> cancelled_ = false;
  std::thread builder_;
};

}  // namespace hyps::manager
