// A disk as a crash leaves it: synced writes and what came before them stay, of later ones a part.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/store/store.hpp"

namespace hyps::test {

class Disk {
 public:
  Status write(const store::Batch& batch) { return write(std::span(&batch, 1)); }
  Status write(std::span<const store::Batch> batches) {
    if (full) return Error{ErrorKind::io, "no space left on device"};
    if (failing_writes > 0) {
      --failing_writes;
      return Error{ErrorKind::io, "input/output error"};
    }
    ++writes;
    (void)live_->write(batches);
    unsynced_.emplace_back(batches.begin(), batches.end());
    const bool sync = std::any_of(batches.begin(), batches.end(),
                                  [](const store::Batch& batch) { return batch.sync; });
    if (sync) settle(unsynced_.size());
    return {};
  }
  // The machine goes down; `kept` of the unsynced writes have made it, in order.
  void crash(std::size_t kept) {
    settle(std::min(kept, unsynced_.size()));
    unsynced_.clear();
    live_ = store::make_memory_store();
    (void)synced_->scan("", [&](std::string_view key, const Blob& value) {
      store::Batch batch;
      batch.puts.emplace_back(std::string(key), value);
      return live_->write(batch).ok();
    });
  }
  // What is stored under the key turns into something else, or (no value) nothing.
  void rot(const std::string& key, const std::optional<Blob>& value) {
    for (const auto* store : {&live_, &synced_}) {
      if (!(*store)->get(key).ok()) continue;
      store::Batch batch;
      if (value) batch.puts.emplace_back(key, *value);
      if (!value) batch.deletes.push_back(key);
      (void)(*store)->write(batch);
    }
  }
  [[nodiscard]] store::Store& now() { return *live_; }
  [[nodiscard]] const store::Store& synced() const { return *synced_; }
  [[nodiscard]] std::size_t unsynced() const { return unsynced_.size(); }
  [[nodiscard]] std::size_t keys(std::string_view prefix) const {
    std::size_t count = 0;
    (void)live_->scan_keys(prefix, [&](std::string_view) { return ++count > 0; });
    return count;
  }

  int writes = 0;  // that were done
  bool full = false;
  int failing_writes = 0;  // the next ones

 private:
  void settle(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) (void)synced_->write(unsynced_[i]);
    unsynced_.erase(unsynced_.begin(), unsynced_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  std::unique_ptr<store::Store> live_ = store::make_memory_store();
  std::unique_ptr<store::Store> synced_ = store::make_memory_store();
  std::vector<std::vector<store::Batch>> unsynced_;
};

}  // namespace hyps::test
