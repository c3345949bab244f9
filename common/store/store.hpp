// Store: an ordered key-value store behind a port. Two implementations: RocksDB and in-memory.
// Thread-safe. Keys and values are bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"

namespace hyps::store {

// Applied as one, all of it or nothing, in this order: delete_prefixes, deletes, puts.
struct Batch {
  std::vector<std::pair<std::string, Blob>> puts;
  std::vector<std::string> deletes;
  std::vector<std::string> delete_prefixes;
  bool sync = false;  // on disk when write() returns; else it may be lost in a crash
};

class Store {
 public:
  virtual ~Store() = default;
  // Applies the batches one after another, as one: all of them or none. On disk when it returns if
  // one of them is to be. Errors: io (disk full, …).
  virtual Status write(std::span<const Batch> batches) = 0;
  Status write(const Batch& batch) { return write(std::span(&batch, 1)); }
  // Errors: not_found; corrupt; io.
  virtual Result<Blob> get(std::string_view key) const = 0;
  // Calls back in key order for every key with the prefix, until the callback returns false.
  virtual Status scan(std::string_view prefix,
                      const std::function<bool(std::string_view, const Blob&)>& found) const = 0;
  // Keys only, which leaves large values on disk.
  virtual Status scan_keys(std::string_view prefix,
                           const std::function<bool(std::string_view)>& found) const = 0;
  // Writes a store of all that is in this one into `folder`, for open_rocksdb; writes that happen
  // meanwhile go on, and are in it or not. Errors: invalid (there is something at `folder`); io.
  virtual Status backup(const std::filesystem::path& folder) const = 0;
  // What the disk below has left for this store.
  [[nodiscard]] virtual std::int64_t free_bytes() const = 0;
  // What that disk holds in all.
  [[nodiscard]] virtual std::int64_t total_bytes() const = 0;
  // What was wrong at opening and was got over: to be told to people. Empty: nothing.
  [[nodiscard]] virtual std::string warning() const { return {}; }
};

// Creates the folder. A damaged write-ahead log is got over: the folder as it was is kept beside
// it, what comes after the damage is lost, and warning() says so. Errors: io; corrupt (damaged
// beyond that; says where the copy is).
Result<std::unique_ptr<Store>> open_rocksdb(const std::filesystem::path& folder);
std::unique_ptr<Store> make_memory_store();

}  // namespace hyps::store
