#include "services/hub/retention.hpp"

#include <iterator>

#include "services/hub/keys.hpp"

namespace hyps::hub {

namespace {

constexpr Milliseconds kPrunePeriod{60'000};
constexpr std::int64_t kHourMs = 3'600'000;

bool is_failed(const Finished& job) { return job.summary.state == JobState::failed; }

struct Pruned {
  std::vector<JobId> records;
  std::vector<JobId> feature_maps;
};

Kept::Place place_of(const Finished& job) { return {job.summary.finished_unix_ms, job.summary.id}; }

Kept& kept_of(State& s, const Finished& job) { return is_failed(job) ? s.failed : s.done; }

void drop_feature_maps_of(State& s, Finished& job, Pruned& pruned) {
  if (!job.has_feature_maps) return;
  job.has_feature_maps = false;
  s.feature_map_bytes -= job.feature_map_bytes;
  kept_of(s, job).with_feature_maps.erase(place_of(job));
  pruned.feature_maps.push_back(job.summary.id);
}

void forget_above(State& s, Kept& kept, std::int64_t most, Pruned& pruned) {
  auto at = kept.jobs.begin();
  for (auto left = std::ssize(kept.jobs); left > most; --left) {
    const JobId id = (at++)->second;
    if (s.unannounced.contains(id)) continue;  // its answer is still needed
    const auto job = s.finished.find(id);
    drop_feature_maps_of(s, job->second, pruned);
    kept.jobs.erase(place_of(job->second));
    pruned.records.push_back(id);
    s.finished.erase(job);
  }
}

// Of the jobs that have feature maps.
Finished& oldest_of(State& s, const Kept& kept) {
  return s.finished.at(kept.with_feature_maps.begin()->second);
}
Finished& newest_of(State& s, const Kept& kept) {
  return s.finished.at(kept.with_feature_maps.rbegin()->second);
}

// Failed jobs have their input only, and a bound of their own.
void drop_many_and_old(State& s, Pruned& pruned) {
  const std::int64_t oldest_unix_ms = s.now.unix_ms - s.config.keep_feature_maps_hours * kHourMs;
  while (!s.done.with_feature_maps.empty()) {
    Finished& oldest = oldest_of(s, s.done);
    const bool is_wanted = std::ssize(s.done.with_feature_maps) <= s.config.keep_feature_maps &&
                           oldest.summary.finished_unix_ms >= oldest_unix_ms;
    if (is_wanted) return;
    drop_feature_maps_of(s, oldest, pruned);
  }
}

void drop_above(State& s, std::int64_t most_bytes, Pruned& pruned) {
  // One that has no room alone need not take the others along.
  for (Kept* kept : {&s.done, &s.failed}) {
    if (kept->with_feature_maps.empty()) continue;
    Finished& newest = newest_of(s, *kept);
    if (newest.feature_map_bytes > most_bytes) drop_feature_maps_of(s, newest, pruned);
  }
  while (s.feature_map_bytes > most_bytes) {
    const auto& done = s.done.with_feature_maps;
    const auto& failed = s.failed.with_feature_maps;
    if (done.empty() && failed.empty()) return;
    const bool is_done = failed.empty() || (!done.empty() && *done.begin() < *failed.begin());
    drop_feature_maps_of(s, oldest_of(s, is_done ? s.done : s.failed), pruned);
  }
}

void drop_feature_maps(State& s, Pruned& pruned) {
  const bool is_disk_full = s.disk_free && *s.disk_free < s.config.disk_reserve_bytes;
  drop_many_and_old(s, pruned);
  if (is_disk_full) {
    drop_above(s, -1, pruned);
  } else if (s.disk_total > 0) {
    drop_above(s, s.disk_total / 100 * s.config.keep_feature_maps_percent, pruned);
  }
}

// When it is tried again, a job-id may have come again: what is stored under it now is needed.
store::Batch batch_of(const State& s, const Pruned& pruned) {
  store::Batch batch;
  for (const JobId& id : pruned.records) {
    if (!s.unfinished.contains(id) && !s.finished.contains(id))
      batch.deletes.push_back(job_key(id));
  }
  for (const JobId& id : pruned.feature_maps) {
    const auto job = s.finished.find(id);
    const bool again = job != s.finished.end() && job->second.has_feature_maps;
    if (again || s.unfinished.contains(id)) continue;
    batch.delete_prefixes.push_back(feature_maps_of(id));
    batch.delete_prefixes.push_back(feature_map_refs_of(id));
  }
  return batch;
}

}  // namespace

Finished& remember(State& s, Finished job) {
  const JobId id = job.summary.id;
  Kept& kept = kept_of(s, job);
  kept.jobs.insert(place_of(job));
  if (job.has_feature_maps) {
    kept.with_feature_maps.insert(place_of(job));
    s.feature_map_bytes += job.feature_map_bytes;
  }
  return s.finished.insert_or_assign(id, std::move(job)).first->second;
}

void prune_now_and_then(State& s) {
  if (s.now.steady - s.pruned_at >= kPrunePeriod) s.prune_due = true;
}

void prune(State& s) {
  if (!s.prune_due) return;
  s.prune_due = false;
  s.pruned_at = s.now.steady;
  Pruned pruned;
  forget_above(s, s.done, s.config.keep_finished_jobs, pruned);
  forget_above(s, s.failed, s.config.keep_failed_jobs, pruned);
  drop_feature_maps(s, pruned);
  if (pruned.records.empty() && pruned.feature_maps.empty()) return;
  // Again and again: on a full disk it is what makes room. Should it be lost in a crash, the next
  // start prunes again.
  s.persist_until_done([&s, pruned = std::move(pruned)] { return batch_of(s, pruned); }, [] {});
}

}  // namespace hyps::hub
