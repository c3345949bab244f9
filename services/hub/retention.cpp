#include "services/hub/retention.hpp"

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

void forget(State& s, const std::pair<std::int64_t, JobId>& place, Pruned& pruned) {
  const auto job = s.finished.find(place.second);
  if (job->second.has_feature_maps) pruned.feature_maps.push_back(place.second);
  pruned.records.push_back(place.second);
  s.finished.erase(job);
  s.finished_order.erase(place);
}

void forget_oldest(State& s, Pruned& pruned) {
  std::int64_t done = s.config.keep_finished_jobs;
  std::int64_t failed = s.config.keep_failed_jobs;
  std::vector<std::pair<std::int64_t, JobId>> forgotten;
  for (auto at = s.finished_order.rbegin(); at != s.finished_order.rend(); ++at) {
    std::int64_t& left = is_failed(s.finished.at(at->second)) ? failed : done;
    if (left-- > 0 || s.unannounced.contains(at->second)) continue;  // its answer is still needed
    forgotten.push_back(*at);
  }
  for (const auto& place : forgotten) forget(s, place, pruned);
}

// What may be kept, from the newest job on.
class Allowance {
 public:
  explicit Allowance(const State& s)
      : oldest_unix_ms_(s.now.unix_ms - s.config.keep_feature_maps_hours * kHourMs),
        jobs_(s.config.keep_feature_maps),
        bytes_(s.disk_total / 100 * s.config.keep_feature_maps_percent),
        bytes_bounded_(s.disk_total > 0),
        disk_full_(s.disk_free && *s.disk_free < s.config.disk_reserve_bytes) {}

  bool keeps(const Finished& job) {
    if (disk_full_) return false;
    // Failed jobs have their input only, and a bound of their own.
    const bool wanted =
        is_failed(job) || (job.summary.finished_unix_ms >= oldest_unix_ms_ && jobs_-- > 0);
    if (!wanted || (bytes_bounded_ && job.feature_map_bytes > bytes_)) return false;
    bytes_ -= job.feature_map_bytes;
    return true;
  }

 private:
  std::int64_t oldest_unix_ms_;
  std::int64_t jobs_;
  std::int64_t bytes_;
  bool bytes_bounded_;
  bool disk_full_;
};

void drop_feature_maps(State& s, Pruned& pruned) {
  Allowance allowance(s);
  for (auto at = s.finished_order.rbegin(); at != s.finished_order.rend(); ++at) {
    Finished& job = s.finished.at(at->second);
    if (!job.has_feature_maps || allowance.keeps(job)) continue;
    job.has_feature_maps = false;
    pruned.feature_maps.push_back(at->second);
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

void prune_now_and_then(State& s) {
  if (s.now.steady - s.pruned_at >= kPrunePeriod) s.prune_due = true;
}

void prune(State& s) {
  if (!s.prune_due) return;
  s.prune_due = false;
  s.pruned_at = s.now.steady;
  Pruned pruned;
  forget_oldest(s, pruned);
  drop_feature_maps(s, pruned);
  if (pruned.records.empty() && pruned.feature_maps.empty()) return;
  // Again and again: on a full disk it is what makes room. Should it be lost in a crash, the next
  // start prunes again.
  s.persist_until_done([&s, pruned = std::move(pruned)] { return batch_of(s, pruned); }, [] {});
}

}  // namespace hyps::hub
