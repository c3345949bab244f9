#include "services/hub/retention.hpp"

#include "services/hub/keys.hpp"

namespace hyps::hub {

namespace {

struct Pruned {
  std::vector<JobId> records;
  std::vector<JobId> feature_maps;
};

void forget_oldest(State& s, Pruned& pruned) {
  auto at = s.finished_order.begin();
  while (at != s.finished_order.end() &&
         static_cast<std::int64_t>(s.finished.size()) > s.config.keep_finished_jobs) {
    const auto job = s.finished.find(at->second);
    if (job == s.finished.end() ||
        s.unannounced.contains(at->second)) {  // its answer is still needed
      ++at;
      continue;
    }
    if (job->second.has_feature_maps) pruned.feature_maps.push_back(at->second);
    pruned.records.push_back(at->second);
    s.finished.erase(job);
    at = s.finished_order.erase(at);
  }
}

void drop_feature_maps(State& s, Pruned& pruned) {
  const bool disk_full = s.disk_free && *s.disk_free < s.config.disk_reserve_bytes;
  std::int64_t kept = disk_full ? 0 : s.config.keep_feature_maps;
  for (auto at = s.finished_order.rbegin(); at != s.finished_order.rend(); ++at) {
    Finished& job = s.finished.at(at->second);
    if (!job.has_feature_maps || kept-- > 0) continue;
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

void prune(State& s) {
  if (!s.prune_due) return;
  s.prune_due = false;
  Pruned pruned;
  forget_oldest(s, pruned);
  drop_feature_maps(s, pruned);
  if (pruned.records.empty() && pruned.feature_maps.empty()) return;
  // Again and again: on a full disk it is what makes room. Should it be lost in a crash, the next
  // start prunes again.
  s.persist_until_done([&s, pruned = std::move(pruned)] { return batch_of(s, pruned); }, [] {});
}

}  // namespace hyps::hub
