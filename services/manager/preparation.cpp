#include "services/manager/preparation.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "common/base/ids.hpp"
#include "common/base/units.hpp"

namespace hyps::manager {

namespace fs = std::filesystem;
using Cause = PrepareFailed::Cause;

namespace {

template <typename Part>
std::vector<protocol::Message> as_messages(std::vector<Part> parts) {
  std::vector<protocol::Message> messages;
  messages.reserve(parts.size());
  for (Part& part : parts) messages.emplace_back(std::move(part));
  return messages;
}

void empty(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

Status make(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return Error{ErrorKind::io, "cannot create " + folder.string() + ": " + error.message()};
}

Result<protocol::BundleRef> add_bundle(runtime::FileUploader& uploader, const fs::path& folder,
                                       const PartitionName& partition) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) paths.push_back(entry.path());
  if (error) {
    return Error{ErrorKind::io, "cannot read " + folder.string() + ": " + error.message()};
  }
  std::sort(paths.begin(), paths.end());
  protocol::BundleRef bundle{partition, {}};
  for (const fs::path& path : paths) {
    HYPS_TRY(auto file, uploader.add(path, path.filename().string()));
    bundle.files.push_back(std::move(file));
  }
  return bundle;
}

Status add_bundles(const Built& built, const fs::path& folder, BuildDone& done) {
  done.uploader = std::make_shared<runtime::FileUploader>();
  for (const PartitionName& partition : built.partitions) {
    HYPS_TRY(auto bundle, add_bundle(*done.uploader, folder / partition.text, partition));
    done.bundles.push_back(std::move(bundle));
  }
  done.plan_json = built.plan_json;
  return {};
}

}  // namespace

Preparation::Preparation(PrepareModel order, fs::path folder, std::uint64_t limit_bytes,
                         std::function<void(BuildDone)> post)
    : order_(std::move(order)),
      folder_(std::move(folder)),
      limit_bytes_(limit_bytes),
      post_(std::move(post)) {
  prepared_.work = order_.work;
}

Preparation::~Preparation() {
  cancelled_ = true;
  if (builder_.joinable()) builder_.join();
  empty(folder_);
}

void Preparation::fail(Cause cause, const std::string& message) {
  if (phase_ == Phase::ended) return;
  phase_ = Phase::ended;
  outcome_ = PrepareFailed{order_.work, cause, message};
}

std::vector<protocol::Message> Preparation::begin(Milliseconds now) {
  empty(folder_);
  std::uint64_t bytes = 0;
  for (const protocol::FileRef& file : order_.files) bytes += file.bytes;
  if (bytes > limit_bytes_ / 2) {
    fail(Cause::model, "its files have " + format_bytes(static_cast<std::int64_t>(bytes)) +
                           "; with its bundles that is more than the manager's cache_bytes of " +
                           format_bytes(static_cast<std::int64_t>(limit_bytes_)));
    return {};
  }
  for (const char* name : {"files", "model", "bundles"}) {
    if (const Status made = make(folder_ / name); !made) {
      fail(Cause::passing, made.error().message);
      return {};
    }
  }
  fetcher_ = std::make_unique<runtime::FileFetcher>(folder_ / "files");
  for (const protocol::FileRef& file : order_.files) fetcher_->want(file);
  return on_tick(now);
}

std::vector<protocol::Message> Preparation::on_tick(Milliseconds now) {
  if (phase_ == Phase::fetching) {
    auto messages = as_messages(fetcher_->on_tick(now));
    build_when_fetched();
    return messages;
  }
  if (phase_ == Phase::uploading) {
    auto messages = as_messages(uploader_->on_tick(now));
    end_when_uploaded();
    return messages;
  }
  return {};
}

std::vector<protocol::Message> Preparation::on_message(const protocol::Message& message,
                                                       Milliseconds now) {
  if (const auto* refused = std::get_if<protocol::Refused>(&message)) {
    on_refused(*refused);
    return {};
  }
  if (const auto* part = std::get_if<protocol::Part>(&message); part && phase_ == Phase::fetching) {
    auto messages = as_messages(fetcher_->on_part(*part, now));
    build_when_fetched();
    return messages;
  }
  const auto* stored = std::get_if<protocol::PartStored>(&message);
  if (stored != nullptr && phase_ == Phase::uploading) {
    auto messages = as_messages(uploader_->on_stored(*stored, now));
    end_when_uploaded();
    return messages;
  }
  return {};
}

void Preparation::on_refused(const protocol::Refused& refused) {
  std::optional<Error> error;
  if (phase_ == Phase::fetching) error = fetcher_->on_refused(refused);
  if (phase_ == Phase::uploading) error = uploader_->on_refused(refused);
  if (error) fail(Cause::passing, "its files cannot be moved: " + error->message);
}

void Preparation::build_when_fetched() {
  const bool all = std::all_of(order_.files.begin(), order_.files.end(),
                               [&](const auto& file) { return fetcher_->has(file); });
  if (phase_ != Phase::fetching) return;
  if (!all && fetcher_->idle()) {
    return fail(Cause::passing, "its files cannot be fetched: " + fetcher_->problem());
  }
  if (!all) return;
  if (const Status linked = link_files(); !linked) {
    return fail(Cause::passing, linked.error().message);
  }
  phase_ = Phase::building;
  builder_ = std::thread([this] { run_builder(); });
}

Status Preparation::link_files() const {
  for (const protocol::FileRef& file : order_.files) {
    if (!is_valid_name(file.name)) {
      return Error{ErrorKind::invalid, "'" + file.name + "' is not allowed as a file's name"};
    }
    const fs::path source = fetcher_->path_of(file);
    const fs::path target = folder_ / "model" / file.name;
    std::error_code error;
    fs::create_hard_link(source, target, error);
    if (error) fs::copy_file(source, target, error);  // some file systems know no hard links
    if (error) {
      return Error{ErrorKind::io, "cannot write " + target.string() + ": " + error.message()};
    }
  }
  return {};
}

void Preparation::run_builder() {
  BuildDone done;
  done.work = order_.work;
  try {
    const BuildResult result =
        build({order_.model, folder_ / "model", folder_ / "bundles", order_.wanted_plan_json,
               order_.wanted_replication, order_.wanted_objective, order_.devices},
              cancelled_);
    if (const auto* built = std::get_if<Built>(&result)) {
      const Status added = add_bundles(*built, folder_ / "bundles", done);
      if (!added) done.failure = BuildFailure{Cause::passing, added.error().message};
    } else {
      done.failure = std::get<BuildFailure>(result);
    }
  } catch (const std::exception& problem) {  // out of memory
    done.failure = BuildFailure{Cause::passing, problem.what()};
  }
  post_(std::move(done));
}

std::vector<protocol::Message> Preparation::on_built(const BuildDone& done, Milliseconds now) {
  if (done.work != order_.work || phase_ != Phase::building) return {};
  if (done.failure) {
    fail(done.failure->cause, done.failure->message);
    return {};
  }
  prepared_.plan_json = done.plan_json;
  prepared_.bundles = done.bundles;
  uploader_ = done.uploader;
  phase_ = Phase::uploading;
  return on_tick(now);
}

void Preparation::end_when_uploaded() {
  if (phase_ != Phase::uploading || !uploader_->idle()) return;
  phase_ = Phase::ended;
  outcome_ = prepared_;
}

}  // namespace hyps::manager
