#include <limits>
#include <map>
#include <mutex>

#include "common/store/backup_folder.hpp"
#include "common/store/store.hpp"

namespace hyps::store {

namespace {

constexpr std::int64_t kBoundless = std::numeric_limits<std::int64_t>::max();

using Entries = std::map<std::string, Blob, std::less<>>;

void erase_prefix(Entries& entries, const std::string& prefix) {
  auto at = entries.lower_bound(prefix);
  while (at != entries.end() && at->first.starts_with(prefix)) at = entries.erase(at);
}

class MemoryStore final : public Store {
 public:
  Status write(std::span<const Batch> batches) override {
    const std::lock_guard lock(mutex_);
    for (const Batch& batch : batches) {
      for (const auto& prefix : batch.delete_prefixes) erase_prefix(entries_, prefix);
      for (const auto& key : batch.deletes) entries_.erase(key);
      for (const auto& [key, value] : batch.puts) entries_.insert_or_assign(key, value);
    }
    return {};
  }

  Result<Blob> get(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(key);
    if (at != entries_.end()) return at->second;
    return Error{ErrorKind::not_found, "no entry '" + std::string(key) + "' in the store"};
  }

  Status scan(std::string_view prefix,
              const std::function<bool(std::string_view, const Blob&)>& found) const override {
    for (const auto& [key, value] : entries_below(prefix)) {
      if (!found(key, value)) break;
    }
    return {};
  }

  Status scan_keys(std::string_view prefix,
                   const std::function<bool(std::string_view)>& found) const override {
    for (const auto& [key, value] : entries_below(prefix)) {
      if (!found(key)) break;
    }
    return {};
  }

  Status backup(const std::filesystem::path& folder) const override {
    HYPS_CHECK(clear_backup_folder(folder));
    HYPS_TRY(const auto target, open_rocksdb(folder));
    Batch batch;
    batch.puts = entries_below("");
    batch.sync = true;
    return target->write(batch);
  }

  [[nodiscard]] std::int64_t free_bytes() const override { return kBoundless; }
  [[nodiscard]] std::int64_t total_bytes() const override { return kBoundless; }

 private:
  // A snapshot, so that callbacks may use the store; values are shared, not copied.
  [[nodiscard]] std::vector<std::pair<std::string, Blob>> entries_below(
      std::string_view prefix) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, Blob>> result;
    for (auto at = entries_.lower_bound(prefix);
         at != entries_.end() && at->first.starts_with(prefix); ++at) {
      result.emplace_back(*at);
    }
    return result;
  }

  mutable std::mutex mutex_;
  Entries entries_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace hyps::store
