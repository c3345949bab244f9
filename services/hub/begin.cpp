#include "services/hub/begin.hpp"

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/files.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/redo.hpp"
#include "services/hub/retention.hpp"
#include "services/hub/spot_checks.hpp"

namespace hyps::hub {

namespace {

// Events told after a job's last record are not in its timeline; their ids must not come again.
constexpr std::uint64_t kEventIdGap = 1000;

void begin_models(State& s, Restored& restored) {
  for (auto& record : restored.plans) {
    auto plan = make_plan_state(record);
    if (!plan.ok()) {
      s.log(Log::Level::error, "plan.damaged",
            {{"plan", record.plan.text}, {"error", plan.error().message}});
      continue;
    }
    s.plans.insert_or_assign(plan->id, std::move(plan).value());
  }
  for (auto& record : restored.models) {
    if (!record.plan.empty() && !s.plans.contains(record.plan)) {
      record.plan = {};
      record.state = "waiting";
      record.problem = "its plan was lost; waits for a manager to plan it";
    }
    s.models.insert_or_assign(record.name, std::move(record));
  }
  for (auto& info : restored.workers) {
    Worker worker;
    worker.info = std::move(info);
    s.workers.insert_or_assign(worker.info.id, std::move(worker));
  }
  s.totals = std::move(restored.totals);
  s.reputations = std::move(restored.reputations);
}

void begin_finished(State& s, Job job, const Restored& restored) {
  const JobId id = job.summary.id;
  Finished finished;
  const auto feature_maps = restored.feature_maps.find(id);
  finished.has_feature_maps = feature_maps != restored.feature_maps.end();
  if (finished.has_feature_maps) finished.feature_map_bytes = feature_maps->second;
  if (restored.unannounced.contains(id)) {
    s.unannounced.insert(id);
    finished.askers = std::move(job.askers);
    finished.answer = std::move(job.answer);
  }
  finished.summary = std::move(job.summary);
  remember(s, std::move(finished));
}

void forget_stored(State& s, Job& job) {
  store::Batch batch;
  std::erase_if(job.stored, [&](const auto& item) {
    if (item.first == partition::kImageTensor) return false;
    batch.deletes.push_back(feature_map_key(job.summary.id, item.first));
    batch.deletes.push_back(feature_map_ref_key(job.summary.id, item.first));
    return true;
  });
  s.persist(std::move(batch), [](const Status&) {});
}

// The votes on what was forwarded before a verdict are lost: it is voted on again.
void redo_unconfirmed(State& s, Job& job, const Restored& restored) {
  const auto marks = restored.unconfirmed.find(job.summary.id);
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (marks == restored.unconfirmed.end() || plan == nullptr) return;
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    if (!marks->second.contains(plan->plan.partitions[i].name)) continue;
    redo_from(s, {&job, i},
              "it was forwarded, and the hub was restarted before its replicas agreed",
              TakeBack::moved);
  }
}

void begin_unfinished(State& s, Job job, const Restored& restored) {
  const std::int64_t age = std::max<std::int64_t>(0, s.now.unix_ms - job.summary.accepted_unix_ms);
  job.accepted_at = s.now.steady - Milliseconds(age);
  job.next_event += kEventIdGap;
  const JobId id = job.summary.id;
  const std::uint64_t sequence = job.summary.sequence;
  job.summary.state = JobState::waiting;
  if (const PlanState* plan = s.find_plan(job.summary.plan)) {
    bind_plan(job, *plan);
  } else {
    job.summary.plan = {};
    if (job.stored.size() > 1) forget_stored(s, job);
  }
  s.unfinished.emplace(id, sequence);
  Job& here = s.jobs.emplace(sequence, std::move(job)).first->second;
  if (!here.stored.contains(partition::kImageTensor)) {
    fail_job(s, here, "the stored input is lost; send it again");
  } else if (s.find_model(here.summary.model) == nullptr) {
    fail_job(s, here, "the model is gone; deploy it and send the input again");
  } else {
    redo_unconfirmed(s, here, restored);
  }
}

void begin_jobs(State& s, Restored& restored) {
  std::set<JobId> known;
  for (Job& job : restored.jobs) {
    if (is_spot_check(job.summary)) {
      store::Batch forgotten;  // its feature maps are orphans below
      forgotten.deletes = {job_key(job.summary.id)};
      s.persist(std::move(forgotten), [](const Status&) {});
      continue;
    }
    known.insert(job.summary.id);
    s.next_sequence = std::max(s.next_sequence, job.summary.sequence + 1);
    const JobState state = job.summary.state;
    if (state == JobState::done || state == JobState::failed) {
      begin_finished(s, std::move(job), restored);
    } else {
      begin_unfinished(s, std::move(job), restored);
    }
  }
  store::Batch orphans;
  for (const auto& [id, bytes] : restored.feature_maps) {
    if (known.contains(id)) continue;
    orphans.delete_prefixes.push_back(feature_maps_of(id));
    orphans.delete_prefixes.push_back(feature_map_refs_of(id));
  }
  if (!orphans.delete_prefixes.empty()) s.persist(std::move(orphans), [](const Status&) {});
}

}  // namespace

void begin(State& s, Restored restored) {
  for (const auto& what : restored.damaged) {
    s.log(Log::Level::error, "record.damaged", {{"record", what}});
  }
  begin_models(s, restored);
  begin_jobs(s, restored);
  restore_files(s, restored);
  s.last_tick = s.now.steady;
  s.schedule_due = s.plans_due = true;
}

void tell_resumed(State& s) {
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.state == JobState::closing) continue;
    const PlanState* plan = s.find_plan(job.summary.plan);
    std::string stored;
    for (std::size_t i = 0; i < job.tasks.size() && plan != nullptr; ++i) {
      if (job.tasks[i].state != Task::State::stored) continue;
      stored += (stored.empty() ? "" : ", ") + plan->plan.partitions[i].name.text;
    }
    TimelineEvent resumed;
    resumed.event = "resumed";
    resumed.detail = stored.empty() ? "nothing is stored yet but the input"
                                    : "stored, and not computed again: " + stored;
    s.log(Log::Level::info, "job.resumed",
          {{"job", job.summary.id.text}, {"detail", resumed.detail}});
    note_and_tell(s, job, std::move(resumed));
  }
}

}  // namespace hyps::hub
