#include "services/hub/dispatch.hpp"

#include "services/hub/jobs.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

void start_jobs(State& s) {
  std::map<ModelName, std::int64_t> running;
  for (const auto& [sequence, job] : s.jobs) {
    if (job.summary.state == JobState::running) ++running[job.summary.model];
  }
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.state != JobState::waiting) continue;
    const auto* model = s.find_model(job.summary.model);
    const PlanState* plan = model == nullptr ? nullptr : s.find_plan(model->plan);
    if (plan == nullptr || running[model->name] >= s.config.jobs_in_flight) continue;
    ++running[model->name];
    bind_plan(job, *plan);
    s.status_due = true;
  }
}

// The worker that may be given this partition now; nullptr: nobody.
Worker* free_worker(State& s, const PlanState& plan, const partition::Partition& partition,
                    Epoch& epoch) {
  const auto route = plan.routes.find(partition.name);
  if (route == plan.routes.end()) return nullptr;
  Worker* worker = s.find_worker(route->second.worker);
  if (worker == nullptr || !worker->online || !worker->assigned) return nullptr;
  if (!may_run(worker->info, partition)) return nullptr;
  if (static_cast<std::int64_t>(worker->tasks.size()) >= s.config.worker_credits) return nullptr;
  epoch = route->second.epoch;
  return worker;
}

void dispatch(State& s, Job& job, std::size_t index, Worker& worker, Epoch epoch) {
  const PlanState& plan = *s.find_plan(job.summary.plan);
  const auto& partition = plan.plan.partitions[index];
  Task& task = job.tasks[index];
  task.state = Task::State::dispatched;
  task.worker = worker.info.id;
  task.epoch = epoch;
  task.given = s.now.steady;
  task.done.reset();
  task.received.clear();
  worker.tasks.insert(key_of(job, partition));
  TimelineEvent started;
  started.event = "started";
  started.partition = partition.name.text;
  started.worker = worker.info.id.text;
  note_and_tell(s, job, std::move(started));
  send_task(s, job, index);
}

void dispatch_tasks_of(State& s, Job& job) {
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (plan == nullptr) return;
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    const Task& task = job.tasks[i];
    const auto& partition = plan->plan.partitions[i];
    if (task.state != Task::State::idle || task.not_before > s.now.steady) continue;
    if (!inputs_stored(job, partition)) continue;
    Epoch epoch = 0;
    Worker* worker = free_worker(s, *plan, partition, epoch);
    if (worker == nullptr || !may_be_given(s, *worker, key_of(job, partition))) continue;
    dispatch(s, job, i, *worker, epoch);
  }
}

}  // namespace

void schedule(State& s) {
  start_jobs(s);
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.state == JobState::running) dispatch_tasks_of(s, job);
  }
}

void ask_again(State& s, Job& job, std::size_t index) {
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (plan == nullptr) return;
  const auto& partition = plan->plan.partitions[index];
  Task& task = job.tasks[index];
  task.sent = s.now.steady;
  protocol::Run run{key_of(job, partition), task.epoch, {}};
  for (const auto& input : partition.inputs) run.inputs.push_back(job.stored.at(input.name));
  s.send_worker(task.worker, std::move(run));
}

void send_task(State& s, Job& job, std::size_t index) {
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (plan == nullptr) return;
  ask_again(s, job, index);
  const auto& partition = plan->plan.partitions[index];
  const Task& task = job.tasks[index];
  for (const auto& input : partition.inputs) {
    s.effects.emplace_back(
        SendCheckpoint{task.worker, key_of(job, partition), task.epoch, job.stored.at(input.name)});
  }
}

void resend_tasks(State& s, const WorkerId& worker) {
  for (auto& [sequence, job] : s.jobs) {
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      const Task& task = job.tasks[i];
      if (task.state == Task::State::dispatched && task.worker == worker) send_task(s, job, i);
    }
  }
}

}  // namespace hyps::hub
