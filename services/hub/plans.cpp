// What managers say: plans, routes, and that a model cannot be planned.
#include <fmt/format.h>

#include <algorithm>

#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/models.hpp"
#include "services/hub/recovery.hpp"

namespace hyps::hub {

namespace {

Status check_bundles(const State& s, const PlanState& plan) {
  for (const auto& bundle : plan.bundles) {
    if (!index_of(plan, bundle.partition)) {
      return Error{ErrorKind::invalid, "bundle " + bundle.partition.text + " is not in the plan"};
    }
    HYPS_CHECK(check_files(s, bundle.files));
  }
  return {};
}

Result<PlanState> check_set_plan(const State& s, const protocol::SetPlan& set) {
  const auto model = s.models.find(set.model);
  if (model == s.models.end()) {
    return Error{ErrorKind::not_found, "no model is called '" + set.model.text + "'"};
  }
  if (model->second.files != set.model_files) {
    return Error{ErrorKind::invalid, "the plan is for other files than the model's; plan again"};
  }
  protocol::ModelRecord record;
  record.name = set.model;
  record.plan_json = set.plan_json;
  record.bundles = set.bundles;
  HYPS_TRY(PlanState plan, make_plan_state(record));
  HYPS_CHECK(check_bundles(s, plan));
  if (const auto known = s.plans.find(plan.id); known != s.plans.end()) {
    if (known->second.model != set.model) {
      return Error{ErrorKind::invalid, "the same plan belongs to model " +
                                           known->second.model.text + "; name the model in it"};
    }
    plan.routes = known->second.routes;
    plan.runs = known->second.runs;
  }
  return plan;
}

// Jobs that have begun with the old plan but have nothing of it yet wait for the new one.
void unbind_untouched_jobs(State& s, const ModelName& model, const PlanId& plan) {
  for (auto& [sequence, job] : s.jobs) {
    const bool other = job.summary.state == JobState::running && job.summary.model == model &&
                       job.summary.plan != plan;
    if (!other || job.stored.size() > 1) continue;
    const bool at_rest = std::all_of(job.tasks.begin(), job.tasks.end(), [](const Task& task) {
      return task.state == Task::State::idle;
    });
    if (!at_rest) continue;
    drop_tasks(s, job);
    job.summary.state = JobState::waiting;
    job.summary.plan = {};
    job.tasks.clear();
  }
}

void on_plan_written(State& s, const std::shared_ptr<PlanState>& plan,
                     const std::vector<protocol::FileRef>& model_files, const Status& status) {
  auto* model = s.find_model(plan->model);
  if (!status.ok() || model == nullptr || model->files != model_files) return;
  s.log(Log::Level::info, "plan.set", {{"model", plan->model.text}, {"plan", plan->id.text}});
  if (model->plan != plan->id) {
    model->state = "waiting";
    model->problem = "waits for workers";
  }
  model->plan = plan->id;
  s.plans.insert_or_assign(plan->id, std::move(*plan));
  unbind_untouched_jobs(s, model->name, model->plan);
  s.snapshot_due = s.status_due = s.plans_due = s.schedule_due = true;
}

}  // namespace

void on_manager_hello(State& s, const Peer& manager) {
  constexpr std::size_t kMaxManagers = 16;
  if (s.managers.size() >= kMaxManagers && !s.managers.contains(manager.id)) return;
  s.managers.insert(manager.id);
  s.snapshot_sent = Milliseconds(-1'000'000);  // at once
  s.snapshot_due = true;
}

void on_manager_status(State& s, const Peer& manager, bool online) {
  if (!online) s.managers.erase(manager.id);
}

void on_set_plan(State& s, const Peer& manager, const protocol::SetPlan& set) {
  auto plan = check_set_plan(s, set);
  if (!plan.ok()) return refuse(s, manager, 0, plan.error().about("plan of " + set.model.text));
  const protocol::ModelRecord& model = *s.find_model(set.model);
  const bool same = model.plan == plan->id && s.plans.contains(plan->id) &&
                    encode_model(to_record(*plan)) == encode_model(to_record(s.plans.at(plan->id)));
  if (same) return;
  protocol::ModelRecord updated = model;
  if (updated.plan != plan->id) {  // else it keeps its routes, too
    updated.state = "waiting";
    updated.problem = "waits for workers";
  }
  updated.plan = plan->id;
  store::Batch batch = model_batch(updated);
  batch.puts.emplace_back(plan_key(plan->id), encode_model(to_record(*plan)));
  const auto shared = std::make_shared<PlanState>(std::move(plan).value());
  s.persist(std::move(batch), [&s, manager, shared, files = set.model_files](const Status& status) {
    if (!status.ok()) refuse(s, manager, 0, status.error());
    on_plan_written(s, shared, files, status);
  });
}

namespace {

// A worker that keeps its route keeps its epoch or gets a higher one; one that is new gets one
// above all that the partition ever had, so that results of former holders are known by it.
Status check_epoch(const PlanState& plan, const protocol::Route& route) {
  const auto old = plan.routes.find(route.partition);
  if (old == plan.routes.end()) return {};
  for (const auto& before : old->second) {
    const bool same = before.worker == route.worker;
    const bool kept = route_to(plan, route.partition, route.worker) != nullptr;
    const bool lower = route.epoch < before.epoch;
    if (same ? lower : !kept && (lower || route.epoch == before.epoch)) {
      return Error{ErrorKind::invalid, fmt::format("the epoch of {} must rise above {}",
                                                   route.partition.text, before.epoch)};
    }
  }
  return {};
}

Status check_routes(const State& s, const PlanState& plan, const protocol::SetRoutes& set) {
  std::set<std::pair<PartitionName, WorkerId>> seen;
  for (const auto& route : set.routes) {
    if (!index_of(plan, route.partition) || !seen.emplace(route.partition, route.worker).second) {
      return Error{ErrorKind::invalid,
                   fmt::format("a route of {} to {}: not in the plan, or given twice",
                               route.partition.text, route.worker.text)};
    }
    if (!is_valid_name(route.worker.text)) {
      return Error{ErrorKind::invalid,
                   "a route to '" + route.worker.text + "', which is no worker"};
    }
    const auto worker = s.workers.find(route.worker);
    const auto& partition = plan.plan.partitions[*index_of(plan, route.partition)];
    // One that it has already leads nowhere, and must not keep the others from being changed.
    const bool is_new = route_to(plan, route.partition, route.worker) == nullptr;
    if (is_new && worker != s.workers.end() && !may_see(worker->second.info, partition)) {
      return Error{ErrorKind::invalid, "worker " + route.worker.text +
                                           " is not in the safe zone, where " +
                                           route.partition.text + " belongs"};
    }
    HYPS_CHECK(check_epoch(plan, route));
  }
  return {};
}

void on_routes_written(State& s, const protocol::SetRoutes& set,
                       const protocol::ModelRecord& updated, const Status& status) {
  PlanState* plan = s.find_plan(set.plan);
  if (!status.ok() || plan == nullptr) return;
  plan->routes.clear();
  for (const auto& route : set.routes) plan->routes[route.partition].push_back(route);
  auto* model = s.find_model(plan->model);
  if (model != nullptr && model->plan == set.plan) {
    model->state = updated.state;
    model->problem = updated.problem;
  }
  take_moved_tasks(s, *plan);
  s.snapshot_due = s.status_due = s.plans_due = s.schedule_due = true;
}

bool every_partition_routed(const PlanState& plan, const protocol::SetRoutes& set) {
  std::set<PartitionName> routed;
  for (const auto& route : set.routes) routed.insert(route.partition);
  return routed.size() == plan.plan.partitions.size();
}

}  // namespace

void on_set_routes(State& s, const Peer& manager, const protocol::SetRoutes& set) {
  const PlanState* plan = s.find_plan(set.plan);
  if (plan == nullptr) {
    return refuse(s, manager, 0, {ErrorKind::not_found, "no plan is called " + set.plan.text});
  }
  if (const Status status = check_routes(s, *plan, set); !status.ok()) {
    return refuse(s, manager, 0, status.error());
  }
  protocol::ModelRecord record = to_record(*plan);
  record.routes = set.routes;
  store::Batch batch;
  batch.sync = true;
  batch.puts.emplace_back(plan_key(set.plan), encode_model(record));
  protocol::ModelRecord updated;
  const auto* model = s.find_model(plan->model);
  if (model != nullptr && model->plan == set.plan) {
    updated = *model;
    const bool complete = set.problem.empty() && every_partition_routed(*plan, set);
    updated.state = complete ? "ready" : "waiting";
    updated.problem = set.problem;
    if (!complete && set.problem.empty()) updated.problem = "not every partition has a worker";
    batch.puts.emplace_back(model_key(updated.name), encode_model(updated));
  }
  s.persist(std::move(batch), [&s, manager, set, updated](const Status& status) {
    if (!status.ok()) refuse(s, manager, 0, status.error());
    on_routes_written(s, set, updated, status);
  });
}

namespace {

// Its jobs that wait have nothing left to wait for.
void fail_waiting_jobs(State& s, const ModelName& model, const std::string& why) {
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.model == model && job.summary.state == JobState::waiting) {
      fail_job(s, job, "the model cannot be run: " + why);
    }
  }
}

}  // namespace

void on_model_failed(State& s, const Peer& manager, const protocol::ModelFailed& failed) {
  const auto* model = s.find_model(failed.model);
  if (model == nullptr || model->files != failed.model_files) {
    return refuse(s, manager, 0, {ErrorKind::not_found, "no such model: " + failed.model.text});
  }
  protocol::ModelRecord updated = *model;
  updated.state = failed.permanent ? "failed" : "waiting";
  updated.problem = failed.problem;
  if (updated.state == model->state && updated.problem == model->problem) return;
  s.persist(model_batch(updated), [&s, failed, updated](const Status& status) {
    auto* found = s.find_model(failed.model);
    if (!status.ok() || found == nullptr || found->files != failed.model_files) return;
    found->state = updated.state;
    found->problem = updated.problem;
    s.snapshot_due = s.status_due = true;
    s.log(Log::Level::warn, "model.problem",
          {{"model", failed.model.text}, {"problem", failed.problem}});
    if (failed.permanent) fail_waiting_jobs(s, failed.model, failed.problem);
  });
}

}  // namespace hyps::hub
