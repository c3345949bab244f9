#include "services/hub/retention.hpp"

#include "services/hub/keys.hpp"

namespace hyps::hub {

namespace {

void add_feature_map_deletes(const JobId& id, store::Batch& batch) {
  batch.delete_prefixes.push_back(feature_maps_of(id));
  batch.delete_prefixes.push_back(feature_map_refs_of(id));
}

void forget_oldest(State& s, store::Batch& batch) {
  auto at = s.finished_order.begin();
  while (at != s.finished_order.end() &&
         static_cast<std::int64_t>(s.finished.size()) > s.config.keep_finished_jobs) {
    const auto job = s.finished.find(at->second);
    if (job == s.finished.end() ||
        s.unannounced.contains(at->second)) {  // its answer is still needed
      ++at;
      continue;
    }
    if (job->second.has_feature_maps) add_feature_map_deletes(at->second, batch);
    batch.deletes.push_back(job_key(at->second));
    s.finished.erase(job);
    at = s.finished_order.erase(at);
  }
}

void drop_feature_maps(State& s, store::Batch& batch) {
  const bool disk_full = s.disk_free && *s.disk_free < s.config.disk_reserve_bytes;
  std::int64_t kept = disk_full ? 0 : s.config.keep_feature_maps;
  for (auto at = s.finished_order.rbegin(); at != s.finished_order.rend(); ++at) {
    Finished& job = s.finished.at(at->second);
    if (!job.has_feature_maps || kept-- > 0) continue;
    job.has_feature_maps = false;
    add_feature_map_deletes(at->second, batch);
  }
}

}  // namespace

void prune(State& s) {
  if (!s.prune_due) return;
  s.prune_due = false;
  store::Batch batch;
  forget_oldest(s, batch);
  drop_feature_maps(s, batch);
  if (batch.deletes.empty() && batch.delete_prefixes.empty()) return;
  // Should this be lost, the next start prunes again.
  s.persist(std::move(batch), [](const Status&) {});
}

}  // namespace hyps::hub
