// Partitions: what is assigned, and what of it is in memory within the budget. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "services/worker/batching.hpp"
#include "services/worker/events.hpp"

namespace hyps::worker {

struct PartitionKey {
  PlanId plan;
  PartitionName partition;
  auto operator<=>(const PartitionKey&) const = default;  // NOLINT(modernize-use-nullptr)
};
PartitionKey key_of(const protocol::TaskKey& task);
std::string to_string(const PartitionKey& key);  // "vgg@1f00/v03"

// How a worker divides its memory: all that tasks hold, all that partitions need, and what the
// process itself needs beyond the 16 MB that are not counted.
struct MemoryBudget {
  std::uint64_t total = 0;    // a partition that needs more by itself is refused
  std::uint64_t maps = 0;     // set aside for inputs and results of tasks
  std::uint64_t process = 0;  // set aside for the process
};

enum class PartitionState { fetching, on_disk, loading, loaded, refused };

struct Partition {
  Serial serial = 0;
  std::size_t order = 0;  // in the Assign
  protocol::AssignedPartition assigned;
  PartitionState state = PartitionState::fetching;
  std::uint64_t resident_bytes = 0;
  Needs needs;                      // once loaded
  bool gains_from_batches = false;  // as loaded: it may
  Batching batching;                // what it gains
  std::uint64_t retained = kAll;    // of its streamable weights, as last told
  std::uint64_t last_used = 0;
  std::string problem;        // why it cannot be fetched, loaded or accepted
  bool fetch_failed = false;  // to be asked for again, not before retry_at
  Milliseconds retry_at{0};

  static constexpr std::uint64_t kAll = ~std::uint64_t{0};

  [[nodiscard]] PartitionKey key() const { return {assigned.plan, assigned.partition}; }
  [[nodiscard]] bool streams() const {
    return state == PartitionState::loaded && needs.streamable > 0;
  }
};

class Partitions {
 public:
  Partitions(MemoryBudget budget, Milliseconds retry) : budget_(budget), retry_(retry) {}

  // Takes over the whole set: keeps what stays, fetches what is new, unloads what is gone.
  Effects assign(const std::vector<protocol::AssignedPartition>& partitions);

  [[nodiscard]] Partition* find(const PartitionKey& key);
  [[nodiscard]] Partition* find(Serial serial);

  // News of the shell; false when it is about an assignment that is gone.
  bool on_fetched(Serial serial);
  bool on_fetch_failed(Serial serial, const std::string& message, Milliseconds now);
  bool on_loaded(const Loaded& loaded);
  bool on_load_failed(Serial serial, const std::string& message, Milliseconds now);
  // Fetches that failed and are due again.
  Effects retry(Milliseconds now);

  // May be computed with or loaded now.
  [[nodiscard]] static bool usable(const Partition& partition);
  // Unloads the least recently used of those that do not stream, those without work first, until it
  // fits (small ones whose room turns out not to be needed stay); then loads.
  // REQUIRES: usable and not loaded; nothing is loading or computing.
  Effects load(Partition& partition, const std::function<bool(const Partition&)>& has_work);
  // The first that may be loaded ahead without evicting another one.
  [[nodiscard]] Partition* preloadable();
  // Divides what room there is among the weights of those that stream: all stay resident if they
  // fit beside the largest activations, else those of the first partitions. Tells what changed.
  Effects retain();
  void touch(Partition& partition) { partition.last_used = ++uses_; }

  [[nodiscard]] std::vector<PartitionName> loaded_names() const;
  [[nodiscard]] std::uint64_t resident_bytes() const;
  [[nodiscard]] std::uint64_t used_bytes() const;  // of the budget, by those that do not stream
  [[nodiscard]] std::size_t loading() const;       // how many
  [[nodiscard]] std::string problem() const;       // of all, for people; empty: none

 private:
  [[nodiscard]] Partition make(const protocol::AssignedPartition& assigned);
  [[nodiscard]] std::int64_t image_bytes() const;
  [[nodiscard]] std::vector<Partition*> streaming();  // in the order of the Assign
  [[nodiscard]] std::uint64_t room_for(const std::vector<Partition*>& streaming) const;
  [[nodiscard]] std::vector<Partition*> victims(
      std::uint64_t needed_bytes, const std::function<bool(const Partition&)>& has_work);

  MemoryBudget budget_;
  Milliseconds retry_;
  std::map<PartitionKey, Partition> partitions_;
  Serial last_serial_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace hyps::worker
