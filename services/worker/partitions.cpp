#include "services/worker/partitions.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "common/base/units.hpp"

namespace hyps::worker {

using protocol::AssignedPartition;

namespace {

constexpr std::size_t kProblemsShown = 3;

bool holds_memory(const Partition& partition) {
  return partition.state == PartitionState::loading ||
         (partition.state == PartitionState::loaded && !partition.streams());
}

void append(Effects& effects, Effects more) {
  effects.insert(effects.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
}

std::uint64_t less(std::uint64_t from, std::uint64_t what) { return from > what ? from - what : 0; }

bool has_safe_names(const AssignedPartition& assigned) {
  return std::all_of(assigned.files.begin(), assigned.files.end(),
                     [](const protocol::FileRef& file) { return is_valid_name(file.name); });
}

std::string human(std::uint64_t bytes) { return format_bytes(static_cast<std::int64_t>(bytes)); }

}  // namespace

PartitionKey key_of(const protocol::TaskKey& task) { return {task.plan, task.partition}; }

std::string to_string(const PartitionKey& key) { return key.plan.text + "/" + key.partition.text; }

Partition Partitions::make(const AssignedPartition& assigned) {
  Partition partition;
  partition.serial = ++last_serial_;
  partition.assigned = assigned;
  if (assigned.memory_bytes > budget_.total) {
    partition.state = PartitionState::refused;
    partition.problem = "needs " + human(assigned.memory_bytes) +
                        ", more than this worker's memory of " + human(budget_.total);
  } else if (!has_safe_names(assigned)) {
    partition.state = PartitionState::refused;
    partition.problem = "its bundle has a file name that is not allowed";
  }
  return partition;
}

Effects Partitions::assign(const std::vector<AssignedPartition>& partitions) {
  Effects effects;
  Keep keep;
  std::map<PartitionKey, Partition> next;
  for (const AssignedPartition& assigned : partitions) {
    const PartitionKey key{assigned.plan, assigned.partition};
    const auto had = partitions_.find(key);
    const bool same = had != partitions_.end() && had->second.assigned.files == assigned.files &&
                      had->second.assigned.memory_bytes == assigned.memory_bytes;
    auto [now, is_new] = next.try_emplace(key, same ? had->second : make(assigned));
    if (!is_new) continue;
    now->second.order = next.size();
    now->second.assigned.epoch = assigned.epoch;
    if (now->second.state == PartitionState::refused) continue;
    keep.files.insert(keep.files.end(), assigned.files.begin(), assigned.files.end());
  }
  for (const auto& [key, old] : partitions_) {
    const auto stays = next.find(key);
    const bool gone = stays == next.end() || stays->second.serial != old.serial;
    if (gone && old.state == PartitionState::loaded) effects.emplace_back(Unload{old.serial});
  }
  std::vector<const Partition*> fetches;
  for (const auto& [key, partition] : next) {
    const Partition* known = find(partition.serial);
    if (known == nullptr && partition.state == PartitionState::fetching) {
      fetches.push_back(&partition);
    }
  }
  std::sort(fetches.begin(), fetches.end(),
            [](const Partition* a, const Partition* b) { return a->order < b->order; });
  effects.emplace_back(std::move(keep));
  for (const Partition* fetch : fetches) {
    effects.emplace_back(Fetch{fetch->serial, fetch->assigned.files});
  }
  partitions_ = std::move(next);
  append(effects, retain());
  return effects;
}

Partition* Partitions::find(const PartitionKey& key) {
  const auto found = partitions_.find(key);
  return found == partitions_.end() ? nullptr : &found->second;
}

Partition* Partitions::find(Serial serial) {
  const auto found = std::find_if(partitions_.begin(), partitions_.end(),
                                  [&](const auto& entry) { return entry.second.serial == serial; });
  return found == partitions_.end() ? nullptr : &found->second;
}

bool Partitions::on_fetched(Serial serial) {
  Partition* partition = find(serial);
  if (partition == nullptr) return false;
  partition->fetch_failed = false;
  partition->problem.clear();
  if (partition->state == PartitionState::fetching) partition->state = PartitionState::on_disk;
  return true;
}

bool Partitions::on_fetch_failed(Serial serial, const std::string& message, Milliseconds now) {
  Partition* partition = find(serial);
  if (partition == nullptr || partition->state != PartitionState::fetching) return false;
  partition->fetch_failed = true;
  partition->problem = "cannot be fetched: " + message;
  partition->retry_at = now + retry_;
  return true;
}

bool Partitions::on_loaded(const Loaded& loaded) {
  Partition* partition = find(loaded.serial);
  if (partition == nullptr) return false;
  partition->state = PartitionState::loaded;
  partition->resident_bytes = loaded.resident_bytes;
  partition->needs = loaded.needs;
  partition->gains_from_batches = loaded.gains_from_batches;
  partition->batching.expect_cold_run();
  partition->retained = Partition::kAll;
  partition->problem.clear();
  touch(*partition);
  return true;
}

bool Partitions::on_load_failed(Serial serial, const std::string& message, Milliseconds now) {
  Partition* partition = find(serial);
  if (partition == nullptr) return false;
  // Back to fetching: files that are there and whole are not fetched again, missing ones are.
  partition->state = PartitionState::fetching;
  partition->fetch_failed = true;
  partition->problem = "cannot be loaded: " + message;
  partition->retry_at = now + retry_;
  return true;
}

Effects Partitions::retry(Milliseconds now) {
  Effects effects;
  for (auto& [key, partition] : partitions_) {
    if (!partition.fetch_failed || now < partition.retry_at) continue;
    partition.fetch_failed = false;
    effects.emplace_back(Fetch{partition.serial, partition.assigned.files});
  }
  return effects;
}

bool Partitions::usable(const Partition& partition) {
  return partition.state == PartitionState::on_disk || partition.state == PartitionState::loaded;
}

std::vector<Partition*> Partitions::victims(std::uint64_t needed_bytes,
                                            const std::function<bool(const Partition&)>& has_work) {
  using Rank = std::tuple<bool, std::uint64_t>;  // those without work first, then by last use
  std::vector<std::pair<Rank, Partition*>> loaded;
  for (auto& [key, partition] : partitions_) {
    if (partition.state != PartitionState::loaded || partition.streams()) continue;
    loaded.push_back({{has_work(partition), partition.last_used}, &partition});
  }
  std::sort(loaded.begin(), loaded.end());
  std::vector<Partition*> chosen;
  std::uint64_t freed = 0;
  for (const auto& [rank, partition] : loaded) {
    if (freed >= needed_bytes) break;
    chosen.push_back(partition);
    freed += partition->assigned.memory_bytes;
  }
  std::erase_if(chosen, [&](const Partition* partition) {
    const std::uint64_t bytes = partition->assigned.memory_bytes;
    const bool spared = freed >= needed_bytes + bytes;
    if (spared) freed -= bytes;
    return spared;
  });
  return chosen;
}

std::int64_t Partitions::image_bytes() const {
  constexpr std::uint64_t kAtLeast = std::uint64_t{16} << 20U;
  return static_cast<std::int64_t>(std::max(budget_.total / 4, kAtLeast));
}

Effects Partitions::load(Partition& partition,
                         const std::function<bool(const Partition&)>& has_work) {
  Effects effects;
  const std::uint64_t wanted = used_bytes() + partition.assigned.memory_bytes;
  const std::uint64_t needed = wanted > budget_.total ? wanted - budget_.total : 0;
  for (Partition* evicted : victims(needed, has_work)) {
    evicted->state = PartitionState::on_disk;
    evicted->resident_bytes = 0;
    effects.emplace_back(Unload{evicted->serial});
  }
  partition.state = PartitionState::loading;
  append(effects, retain());
  effects.emplace_back(Load{partition.serial, partition.assigned, image_bytes()});
  return effects;
}

Partition* Partitions::preloadable() {
  const std::uint64_t free_bytes = budget_.total - used_bytes();
  Partition* first = nullptr;
  for (auto& [key, partition] : partitions_) {
    if (partition.state != PartitionState::on_disk) continue;
    if (partition.assigned.memory_bytes > free_bytes) continue;
    if (first == nullptr || partition.order < first->order) first = &partition;
  }
  return first;
}

std::vector<Partition*> Partitions::streaming() {
  std::vector<Partition*> found;
  for (auto& [key, partition] : partitions_) {
    if (partition.streams()) found.push_back(&partition);
  }
  std::sort(found.begin(), found.end(),
            [](const Partition* a, const Partition* b) { return a->order < b->order; });
  return found;
}

// For streamable weights: what is left by all else. One partition computes at a time. Maps larger
// than what is set aside for maps are taken when there are no others.
std::uint64_t Partitions::room_for(const std::vector<Partition*>& streaming) const {
  std::uint64_t fixed = 0;
  std::uint64_t activations = 0;
  std::uint64_t inputs = 0;
  std::uint64_t outputs = 0;
  for (const Partition* partition : streaming) {
    const Needs& needs = partition->needs;
    fixed += needs.weights - needs.streamable;
    activations = std::max(activations, needs.activations);
    inputs = std::max(inputs, less(needs.inputs, budget_.maps));
    outputs = std::max(outputs, less(needs.outputs, budget_.maps));
  }
  const std::uint64_t taken = used_bytes() + budget_.maps + budget_.process;
  return less(budget_.total, taken + fixed + activations + inputs + outputs);
}

Effects Partitions::retain() {
  const auto all = streaming();
  std::uint64_t room = room_for(all);
  std::uint64_t wanted = 0;
  std::uint64_t window = 0;
  for (const Partition* partition : all) {
    wanted += partition->needs.streamable;
    window = std::max(window, partition->needs.window);
  }
  if (wanted > room) room = less(room, window);
  Effects effects;
  for (Partition* partition : all) {
    const std::uint64_t retained = std::min(partition->needs.streamable, room);
    room -= retained;
    partition->resident_bytes = partition->needs.weights - partition->needs.streamable + retained;
    const bool same = std::min(partition->retained, partition->needs.streamable) == retained;
    partition->retained = retained;
    if (!same) effects.emplace_back(Retain{partition->serial, retained});
  }
  return effects;
}

std::vector<PartitionName> Partitions::loaded_names() const {
  std::vector<PartitionName> names;
  for (const auto& [key, partition] : partitions_) {
    if (partition.state == PartitionState::loaded) names.emplace_back(to_string(key));
  }
  return names;
}

std::uint64_t Partitions::resident_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [key, partition] : partitions_) bytes += partition.resident_bytes;
  return bytes;
}

std::uint64_t Partitions::used_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [key, partition] : partitions_) {
    if (holds_memory(partition)) bytes += partition.assigned.memory_bytes;
  }
  return bytes;
}

std::size_t Partitions::loading() const {
  std::size_t count = 0;
  for (const auto& [key, partition] : partitions_) {
    count += partition.state == PartitionState::loading ? 1 : 0;
  }
  return count;
}

std::string Partitions::problem() const {
  std::string text;
  std::size_t count = 0;
  for (const auto& [key, partition] : partitions_) {
    if (partition.problem.empty() || ++count > kProblemsShown) continue;
    text += (text.empty() ? "" : "; ") + to_string(key) + " " + partition.problem;
  }
  if (count > kProblemsShown) text += "; and " + std::to_string(count - kProblemsShown) + " more";
  return text;
}

}  // namespace hyps::worker
