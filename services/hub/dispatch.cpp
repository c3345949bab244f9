#include "services/hub/dispatch.hpp"

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/reputations.hpp"
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

// The first of the partition's workers that is there; the others stand by.
Worker* free_worker(State& s, const PlanState& plan, const partition::Partition& partition,
                    Epoch& epoch) {
  const auto routes = plan.routes.find(partition.name);
  if (routes == plan.routes.end()) return nullptr;
  for (const protocol::Route& route : routes->second) {
    if (!may_compute(s, route.worker, partition) || is_quarantined(s, route.worker)) continue;
    epoch = route.epoch;
    Worker& worker = *s.find_worker(route.worker);
    return has_credit(s, worker) ? &worker : nullptr;
  }
  return nullptr;
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

bool makes_answer(const partition::Partition& partition) {
  return std::any_of(partition.outputs.begin(), partition.outputs.end(),
                     [](const auto& output) { return output.name == partition::kAnswerTensor; });
}

bool skips_vote(State& s, const protocol::TaskKey& key, const Worker* worker) {
  return worker != nullptr && find_ballot(s, key) == nullptr && may_skip_vote(s, worker->info.id);
}

void dispatch_tasks_of(State& s, Job& job) {
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (plan == nullptr) return;
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    const Task& task = job.tasks[i];
    const auto& partition = plan->plan.partitions[i];
    if (task.state != Task::State::idle || task.not_before > s.now.steady) continue;
    if (!inputs_stored(job, partition)) continue;
    if (makes_answer(partition) && has_unconfirmed(s, job.summary.id)) continue;
    Epoch epoch = 0;
    Worker* worker = free_worker(s, *plan, partition, epoch);
    const bool votes = partition.replication.votes();
    if (votes && !skips_vote(s, key_of(job, partition), worker)) {
      open_or_continue(s, job, i);
      continue;
    }
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

bool may_compute(State& s, const WorkerId& id, const partition::Partition& partition) {
  const Worker* worker = s.find_worker(id);
  return worker != nullptr && worker->online && worker->assigned &&
         may_run(worker->info, partition);
}

bool has_credit(const State& s, const Worker& worker) {
  return static_cast<std::int64_t>(worker.tasks.size()) < s.config.worker_credits;
}

void send_order(State& s, const Job& job, const partition::Partition& partition,
                const Order& order) {
  const protocol::TaskKey key = key_of(job, partition);
  protocol::Run run{key, order.epoch, {}, order.announce};
  for (const auto& input : partition.inputs) run.inputs.push_back(job.stored.at(input.name));
  s.send_worker(order.worker, std::move(run));
  if (!order.with_inputs) return;
  for (const auto& input : partition.inputs) {
    s.effects.emplace_back(
        SendCheckpoint{order.worker, key, order.epoch, job.stored.at(input.name)});
  }
}

namespace {

void send_again(State& s, Job& job, std::size_t index, bool with_inputs) {
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (plan == nullptr) return;
  Task& task = job.tasks[index];
  task.sent = s.now.steady;
  send_order(s, job, plan->plan.partitions[index],
             {.worker = task.worker, .epoch = task.epoch, .with_inputs = with_inputs});
}

}  // namespace

void ask_again(State& s, Job& job, std::size_t index) { send_again(s, job, index, false); }
void send_task(State& s, Job& job, std::size_t index) { send_again(s, job, index, true); }

void resend_tasks(State& s, const WorkerId& worker) {
  for (auto& [sequence, job] : s.jobs) {
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      const Task& task = job.tasks[i];
      if (task.state == Task::State::dispatched && task.worker == worker) send_task(s, job, i);
    }
  }
  resend_copies(s, worker);
}

}  // namespace hyps::hub
