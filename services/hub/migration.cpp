#include "services/hub/migration.hpp"

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/recovery.hpp"

namespace hyps::hub {

namespace {

constexpr Milliseconds kGivenUp{30'000};  // a worker may come back in that time

bool is_at_rest(const Job& job) {
  return std::all_of(job.tasks.begin(), job.tasks.end(), [](const Task& task) {
    return task.state == Task::State::idle || task.state == Task::State::stored;
  });
}

// Slices belong to the cut; all else are the same tensors in every plan of one network.
bool is_of_any_plan(const std::string& tensor) { return tensor.find('#') == std::string::npos; }

bool is_image(const std::string& tensor) { return tensor == partition::kImageTensor; }

bool can_run(State& s, const PlanState& plan) {
  return std::all_of(plan.plan.partitions.begin(), plan.plan.partitions.end(),
                     [&](const auto& partition) { return has_workers(s, plan, partition); });
}

// What the new plan has no use for is deleted.
template <typename Keep>
void migrate(State& s, Job& job, const PlanState& plan, const std::string& how, Keep keeps) {
  std::vector<std::string> dropped;
  std::erase_if(job.stored, [&](const auto& item) {
    if (keeps(item.first)) return false;
    dropped.push_back(item.first);
    return true;
  });
  drop_tasks(s, job);  // verdicts whose result nobody has fetched
  if (!dropped.empty()) delete_feature_maps(s, job.summary.id, std::move(dropped));
  bind_plan(job, plan);
  TimelineEvent moved;
  moved.event = "recovered";
  moved.detail = how + plan.id.text;
  note_and_tell(s, job, std::move(moved));
  store::Batch batch;
  batch.puts.emplace_back(job_key(job.summary.id), encode_job(job));
  // The old plan's record goes later: should this write be lost, so is that.
  s.persist(std::move(batch), [](const Status&) {});
  s.plans_due = s.schedule_due = true;
}

// Of plans that jobs began with and that are not their model's any more.
void note_whether_they_can_run(State& s) {
  for (auto& [id, plan] : s.plans) {
    const auto* model = s.find_model(plan.model);
    const bool is_old = model != nullptr && model->plan != id;
    if (!is_old || can_run(s, plan)) {
      plan.stands_since.reset();
    } else if (!plan.stands_since) {
      plan.stands_since = s.now.steady;
    }
  }
}

}  // namespace

void migrate_jobs(State& s) {
  note_whether_they_can_run(s);
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.state != JobState::running || !is_at_rest(job)) continue;
    if (has_unconfirmed(s, job.summary.id)) continue;
    const auto* model = s.find_model(job.summary.model);
    if (model == nullptr || model->plan == job.summary.plan) continue;
    const PlanState* current = s.find_plan(job.summary.plan);
    const PlanState* next = s.find_plan(model->plan);
    if (current == nullptr || next == nullptr) continue;
    if (model->state != "ready" && !can_run(s, *next)) continue;
    if (current->plan.model_digest == next->plan.model_digest) {
      migrate(s, job, *next, "goes on with plan ", is_of_any_plan);
    } else if (current->stands_since && s.now.steady - *current->stands_since > kGivenUp) {
      migrate(s, job, *next,
              "the network it began with has no workers any more; begins anew with plan ",
              is_image);
    }
  }
}

}  // namespace hyps::hub
