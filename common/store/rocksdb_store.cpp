#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <system_error>

#include "common/store/backup_folder.hpp"
#include "common/store/damaged_copy.hpp"
#include "common/store/store.hpp"

namespace hyps::store {

namespace {

// A key's entry holds the value itself, behind kHere, if that is small. Else, and in stores written
// before small ones were, it is empty, and an entry of its own has the value (README.md).
constexpr char kKeyEntry = 'k';
constexpr char kValueEntry = 'v';
constexpr char kHere = '=';
constexpr std::size_t kSmallBytes = 2048;

std::string entry(char kind, std::string_view key) {
  std::string result(1, kind);
  result += key;
  return result;
}

// The first key after all with the prefix. An entry's prefix begins with a letter, so there is one.
std::string end_of_prefix(std::string prefix) {
  while (prefix.back() == '\xff') prefix.pop_back();
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

Error translate(const rocksdb::Status& status, const std::string& what) {
  ErrorKind kind = ErrorKind::io;
  if (status.IsNotFound()) kind = ErrorKind::not_found;
  if (status.IsCorruption()) kind = ErrorKind::corrupt;
  return {kind, what + ": " + status.ToString()};
}

Status as_status(const rocksdb::Status& status, const std::string& what) {
  if (status.ok()) return {};
  return translate(status, what);
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

// A compaction that meets a rotten blob fails, and RocksDB tries it again every second; by default
// it would also take no write any more, for ever. Whoever reads the value sees `corrupt`; when it
// has been written anew or deleted, the compaction succeeds.
class RotStopsNoWrites final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    const bool compacting = reason == rocksdb::BackgroundErrorReason::kCompaction;
    if (compacting && status->IsCorruption()) *status = rocksdb::Status::OK();
  }
};

// Sized for a device with 1 GB of memory.
rocksdb::Options small_device_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.enable_blob_files = true;
  options.min_blob_size = 4096;
  options.enable_blob_garbage_collection = true;
  options.blob_garbage_collection_age_cutoff = 0.25;
  options.blob_garbage_collection_force_threshold = 0.5;
  options.blob_file_size = 64U << 20U;
  options.write_buffer_size = 16U << 20U;
  options.max_write_buffer_number = 2;
  options.max_open_files = 64;
  options.max_total_wal_size = 64U << 20U;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.compression = rocksdb::kNoCompression;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1U << 20U;
  options.wal_bytes_per_sync = 1U << 18U;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1U << 20U;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.listeners.push_back(std::make_shared<RotStopsNoWrites>());
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8U << 20U);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Result<std::unique_ptr<rocksdb::DB>> open_database(const rocksdb::Options& options,
                                                   const std::filesystem::path& folder) {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, folder.string(), &db);
  if (!status.ok()) return translate(status, "cannot open the store " + folder.string());
  return std::unique_ptr<rocksdb::DB>(db);
}

class RocksStore final : public Store {
 public:
  RocksStore(std::unique_ptr<rocksdb::DB> db, std::filesystem::path folder, std::string warning)
      : db_(std::move(db)), folder_(std::move(folder)), warning_(std::move(warning)) {}

  Status write(std::span<const Batch> batches) override {
    rocksdb::WriteBatch changes(size_of(batches));
    rocksdb::Status status;
    rocksdb::WriteOptions options;
    for (const Batch& batch : batches) {
      if (status.ok()) status = collect(batch, batches, changes);
      options.sync = options.sync || batch.sync;
    }
    if (status.ok()) {
      status = apply(options, changes);
      // A full disk RocksDB gets over by itself; after other failures it takes no more writes.
      if (!status.ok() && !status.IsNoSpace() && revive()) status = apply(options, changes);
    }
    return as_status(status, "cannot write to the store " + folder_.string());
  }

  Result<Blob> get(std::string_view key) const override {
    const auto db = current();
    if (!db) return unreadable(closed(), key);
    std::string value;
    const auto status = db->Get(rocksdb::ReadOptions(), slice(entry(kKeyEntry, key)), &value);
    if (!status.ok()) return unreadable(status, key);
    return value_of(*db, key, std::move(value));
  }

  Status scan(std::string_view prefix,
              const std::function<bool(std::string_view, const Blob&)>& found) const override {
    Status failed;
    HYPS_CHECK(each_entry(
        prefix, [&](std::string_view key, rocksdb::DB& db, const rocksdb::Iterator& iterator) {
          const auto value = value_of(db, key, iterator.value().ToString());
          if (value.ok()) return found(key, *value);
          failed = value.error();
          return false;
        }));
    return failed;
  }

  // Of a block that has rotted too: who reads its values is told.
  Status scan_keys(std::string_view prefix,
                   const std::function<bool(std::string_view)>& found) const override {
    return each_entry(
        prefix,
        [&](std::string_view key, rocksdb::DB&, const rocksdb::Iterator&) { return found(key); },
        false);
  }

  // Files that never change are linked, not copied, on the same file system.
  Status backup(const std::filesystem::path& folder) const override {
    HYPS_CHECK(clear_backup_folder(folder));
    rocksdb::Checkpoint* made = nullptr;
    const auto db = current();
    rocksdb::Status status = !db ? closed() : rocksdb::Checkpoint::Create(db.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(folder.string());
    return as_status(status, "cannot write the backup " + folder.string());
  }

  [[nodiscard]] std::int64_t free_bytes() const override {
    struct statvfs info {};
    if (::statvfs(folder_.c_str(), &info) != 0) return 0;
    return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
  }

  [[nodiscard]] std::int64_t total_bytes() const override {
    struct statvfs info {};
    if (::statvfs(folder_.c_str(), &info) != 0) return 0;
    return static_cast<std::int64_t>(info.f_blocks) * static_cast<std::int64_t>(info.f_frsize);
  }

  [[nodiscard]] std::string warning() const override { return warning_; }

 private:
  // Of a WriteBatch for all, about: a small entry behind a large one would move all before it.
  static std::size_t size_of(std::span<const Batch> batches) {
    constexpr std::size_t kHead = 32;  // of an entry
    std::size_t size = kHead;
    for (const Batch& batch : batches) {
      for (const auto& key : batch.deletes) size += 2 * (key.size() + kHead);
      for (const auto& [key, value] : batch.puts) size += 2 * (key.size() + kHead) + value.size();
    }
    return size;
  }
  // `all`: what is written with the batch.
  rocksdb::Status collect(const Batch& batch, std::span<const Batch> all,
                          rocksdb::WriteBatch& changes) const {
    rocksdb::Status status;
    for (const auto& prefix : batch.delete_prefixes) {
      if (status.ok()) status = delete_prefix(prefix, all, changes);
    }
    for (const auto& key : batch.deletes) {
      if (status.ok()) status = changes.Delete(entry(kKeyEntry, key));
      if (status.ok()) status = changes.Delete(entry(kValueEntry, key));
    }
    for (const auto& [key, value] : batch.puts) {
      if (status.ok()) status = put(key, value.text(), changes);
    }
    return status;
  }

  // A large value that a small one takes the place of stays behind it until the key is deleted.
  static rocksdb::Status put(const std::string& key, std::string_view value,
                             rocksdb::WriteBatch& changes) {
    if (value.size() <= kSmallBytes) {
      std::string here(1, kHere);
      here += value;
      return changes.Put(entry(kKeyEntry, key), here);
    }
    const rocksdb::Status status = changes.Put(entry(kKeyEntry, key), rocksdb::Slice());
    return status.ok() ? changes.Put(entry(kValueEntry, key), slice(value)) : status;
  }

  // One by one if they are few: RocksDB sorts all range tombstones of its buffer anew for the first
  // read after each new one, which thousands of small jobs would feel.
  rocksdb::Status delete_prefix(const std::string& prefix, std::span<const Batch> all,
                                rocksdb::WriteBatch& changes) const {
    constexpr std::size_t kFew = 32;
    std::vector<std::string> entries;  // of the first few keys
    std::size_t keys = 0;
    const Status scanned = each_entry(
        prefix, [&](std::string_view key, rocksdb::DB&, const rocksdb::Iterator& iterator) {
          entries.push_back(entry(kKeyEntry, key));
          const bool is_here = iterator.value().starts_with(slice({&kHere, 1}));
          if (!is_here) entries.push_back(entry(kValueEntry, key));
          return ++keys <= kFew;
        });
    rocksdb::Status status;
    if (scanned.ok() && keys <= kFew && !puts_below(prefix, all)) {
      for (const auto& known : entries) {
        if (status.ok()) status = changes.Delete(known);
      }
      return status;
    }
    for (const char kind : {kKeyEntry, kValueEntry}) {
      const std::string begin = entry(kind, prefix);
      if (status.ok()) status = changes.DeleteRange(begin, end_of_prefix(begin));
    }
    return status;
  }
  static bool puts_below(const std::string& prefix, std::span<const Batch> batches) {
    return std::any_of(batches.begin(), batches.end(), [&](const Batch& batch) {
      return std::any_of(batch.puts.begin(), batch.puts.end(),
                         [&](const auto& put) { return put.first.starts_with(prefix); });
    });
  }

  // Of a key whose own entry holds this.
  static Result<Blob> value_of(rocksdb::DB& db, std::string_view key, std::string held) {
    if (held.starts_with(kHere)) {
      const Blob all = Blob::of(std::move(held));
      return all.slice(1, all.size() - 1);
    }
    std::string value;
    const auto status = db.Get(rocksdb::ReadOptions(), slice(entry(kValueEntry, key)), &value);
    if (!status.ok()) return unreadable(status, key);
    return Blob::of(std::move(value));
  }
  static Error unreadable(const rocksdb::Status& status, std::string_view key) {
    Error error = translate(status, fmt::format("cannot read '{}' from the store", key));
    if (status.IsPathNotFound()) error.kind = ErrorKind::corrupt;  // a blob file is gone
    return error;
  }

  Status each_entry(
      std::string_view prefix,
      const std::function<bool(std::string_view, rocksdb::DB&, const rocksdb::Iterator&)>& visit,
      bool verified = true) const {
    const std::string begin = entry(kKeyEntry, prefix);
    const std::string end = end_of_prefix(begin);
    const rocksdb::Slice upper_bound(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &upper_bound;
    options.fill_cache = false;
    options.verify_checksums = verified;
    const auto db = current();
    if (!db) return as_status(closed(), fmt::format("cannot scan '{}' in the store", prefix));
    const std::unique_ptr<rocksdb::Iterator> iterator(db->NewIterator(options));
    for (iterator->Seek(begin); iterator->Valid(); iterator->Next()) {
      if (!visit(iterator->key().ToStringView().substr(1), *db, *iterator)) break;
    }
    return as_status(iterator->status(), fmt::format("cannot scan '{}' in the store", prefix));
  }

  rocksdb::Status apply(const rocksdb::WriteOptions& options, rocksdb::WriteBatch& changes) {
    const auto db = current();
    return db ? db->Write(options, &changes) : closed();
  }

  // After a failed write: true if it is worth another try. What cannot be resumed is opened again,
  // so that the log, as far as it was written, is read and written anew; but only on a disk that
  // keeps what it is given, for until then the store as it is can still be read.
  bool revive() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now < next_revival_) return false;
    next_revival_ = now + kReviveEvery;
    if (db_ && db_->Resume().ok()) return true;
    const bool in_use = db_.use_count() > 1;
    if (in_use || !is_disk_sound()) return false;
    db_.reset();
    auto opened = open_database(small_device_options(), folder_);
    if (opened.ok()) db_ = std::move(opened).value();
    return opened.ok();
  }
  [[nodiscard]] bool is_disk_sound() const {
    const std::filesystem::path file = folder_ / "probe.tmp";
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    const bool kept = ::write(fd, "?", 1) == 1 && ::fsync(fd) == 0;
    ::close(fd);
    ::unlink(file.c_str());
    return kept;
  }

  // Whoever holds it keeps it open.
  std::shared_ptr<rocksdb::DB> current() const {
    const std::lock_guard lock(mutex_);
    return db_;
  }
  static rocksdb::Status closed() {
    return rocksdb::Status::IOError("it failed, and could not be opened again yet");
  }

  static constexpr std::chrono::seconds kReviveEvery{1};

  mutable std::mutex mutex_;  // guards db_ and next_revival_
  std::shared_ptr<rocksdb::DB> db_;
  std::chrono::steady_clock::time_point next_revival_;
  const std::filesystem::path folder_;
  const std::string warning_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    return Error{ErrorKind::io,
                 "cannot create the folder " + folder.string() + ": " + failed.message()};
  }
  rocksdb::Options options = small_device_options();
  auto db = open_database(options, folder);
  std::string warning;
  if (!db.ok() && db.error().kind == ErrorKind::corrupt) {
    HYPS_TRY(const auto copy, keep_damaged_copy(folder));
    warning = fmt::format(
        "{}; the damaged store is kept as {}, and what was written after the damage is lost",
        db.error().message, copy.string());
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    db = open_database(options, folder);
    if (!db.ok()) return Error{db.error().kind, db.error().message + "; " + warning};
  }
  if (!db.ok()) return db.error();
  return std::unique_ptr<Store>(
      std::make_unique<RocksStore>(std::move(db).value(), folder, std::move(warning)));
}

}  // namespace hyps::store
