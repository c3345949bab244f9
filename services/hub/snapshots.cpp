// What managers are told, and what becomes of plans nobody needs.
#include <algorithm>

#include "services/hub/files.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/models.hpp"
#include "services/hub/reputations.hpp"
#include "services/hub/rot.hpp"

namespace hyps::hub {

namespace {

constexpr Milliseconds kSnapshotPause{50};

protocol::Snapshot snapshot_of(const State& s) {
  protocol::Snapshot snapshot;
  snapshot.version = s.snapshot_version;
  for (const auto& [id, worker] : s.workers) {
    snapshot.workers.push_back({worker.info, worker.online, worker.known, is_quarantined(s, id)});
  }
  for (const auto& [which, when] : s.late) snapshot.late.push_back({which.first, which.second});
  for (const auto& [name, model] : s.models) {
    protocol::ModelRecord record = model;
    if (const auto plan = s.plans.find(model.plan); plan != s.plans.end()) {
      const protocol::ModelRecord of_plan = to_record(plan->second);
      record.plan_json = of_plan.plan_json;
      record.bundles = of_plan.bundles;
      record.routes = of_plan.routes;
    }
    snapshot.models.push_back(std::move(record));
  }
  return snapshot;
}

bool is_needed(const State& s, const PlanState& plan) {
  const auto model = s.models.find(plan.model);
  if (model != s.models.end() && model->second.plan == plan.id) return true;
  return std::any_of(s.jobs.begin(), s.jobs.end(),
                     [&](const auto& item) { return item.second.summary.plan == plan.id; });
}

void forget(State& s, const PlanId& id) {
  store::Batch batch;
  batch.deletes = {plan_key(id)};
  std::vector<protocol::FileRef> files;
  for (const auto& bundle : s.plans.at(id).bundles) {
    files.insert(files.end(), bundle.files.begin(), bundle.files.end());
  }
  s.plans.erase(id);
  // Should this be lost, the plan is forgotten again after a restart.
  s.persist(std::move(batch), [](const Status&) {});
  collect_files(s, files);
}

}  // namespace

void send_snapshots(State& s) {
  if (!s.snapshot_due || s.now.steady - s.snapshot_sent < kSnapshotPause) return;
  s.snapshot_due = false;
  s.snapshot_sent = s.now.steady;
  // Rises across restarts too, as long as the wall clock does not go back.
  s.snapshot_version = std::max(
      s.snapshot_version + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(0, s.now.unix_ms)));
  if (s.managers.empty()) return;
  const protocol::Snapshot snapshot = snapshot_of(s);
  const protocol::Damaged damaged{damaged_plans(s)};
  for (const auto& id : s.managers) {
    s.send({protocol::Role::manager, id}, damaged);
    s.send({protocol::Role::manager, id}, snapshot);
  }
}

void collect_plans(State& s) {
  std::vector<PlanId> unneeded;
  for (const auto& [id, plan] : s.plans) {
    if (!is_needed(s, plan)) unneeded.push_back(id);
  }
  for (const PlanId& id : unneeded) forget(s, id);
}

}  // namespace hyps::hub
