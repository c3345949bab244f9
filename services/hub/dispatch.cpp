#include "services/hub/dispatch.hpp"

#include <algorithm>

#include "common/cnn/sharing.hpp"
#include "services/hub/ballots.hpp"
#include "services/hub/failures.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/quick.hpp"
#include "services/hub/relays.hpp"
#include "services/hub/reputations.hpp"
#include "services/hub/rot.hpp"
#include "services/hub/sharing.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

// A stream of images is to keep every worker of its plan busy, with another one in its hands.
std::int64_t in_flight(State& s, const PlanState& plan) {
  if (plan.plan.objective != partition::Objective::throughput) return s.config.jobs_in_flight;
  std::map<WorkerId, std::int64_t> batches;  // the largest of each worker
  for (const auto& [name, routes] : plan.routes) {
    const auto* partition = plan.plan.find(name);
    for (const auto& route : routes) {
      const Worker* worker = s.find_worker(route.worker);
      if (partition == nullptr || worker == nullptr) continue;
      std::int64_t& batch = batches[route.worker];
      batch = std::max(batch, batch_of(*worker, *partition));
    }
  }
  std::int64_t credits = 0;
  for (const auto& [worker, batch] : batches) credits += s.config.worker_credits * batch;
  return std::max(s.config.jobs_in_flight, credits);
}

void start_jobs(State& s) {
  std::map<ModelName, std::int64_t> running;
  std::map<ModelName, std::int64_t> limits;
  for (const auto& [sequence, job] : s.jobs) {
    if (job.summary.state == JobState::running) ++running[job.summary.model];
  }
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.state != JobState::waiting) continue;
    const auto* model = s.find_model(job.summary.model);
    const PlanState* plan = model == nullptr ? nullptr : s.find_plan(model->plan);
    if (plan == nullptr) continue;
    const auto [limit, is_new] = limits.try_emplace(model->name, 0);
    if (is_new) limit->second = in_flight(s, *plan);
    if (!may_start(s, *plan, running[model->name], limit->second)) continue;
    ++running[model->name];
    bind_plan(job, *plan);
    s.status_due = true;
  }
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
    Worker* worker = free_worker(s, *plan, job, i, epoch);
    const bool votes = partition.replication.votes();
    if (votes && !skips_vote(s, key_of(job, partition), worker)) {
      open_or_continue(s, job, i);
      continue;
    }
    if (worker == nullptr || !may_be_given(s, *worker, key_of(job, partition))) continue;
    const JobId& id = job.summary.id;
    if (owed_votes_on_inputs(s, id, *plan, partition, worker->info.id) == OwedVotes::needed) {
      continue;
    }
    forgo_votes_on_inputs(s, id, *plan, partition, worker->info.id);
    dispatch(s, {&job, i}, *worker, epoch);
  }
}

}  // namespace

void schedule(State& s) {
  start_jobs(s);
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.state == JobState::running) dispatch_tasks_of(s, job);
  }
}

void dispatch(State& s, const TaskPlace& at, Worker& worker, Epoch epoch) {
  Job& job = *at.job;
  const PlanState& plan = *s.find_plan(job.summary.plan);
  const auto& partition = plan.plan.partitions[at.index];
  Task& task = job.tasks[at.index];
  const protocol::TaskKey key = key_of(job, partition);
  Order order{.worker = worker.info.id,
              .epoch = epoch,
              .but_for = use_relays(s, job, key, worker.info.id, epoch),
              .shared = shared_inputs(s, job, plan, at.index, worker.info.id)};
  for (const std::string& tensor : order.but_for) order.shared.erase(tensor);
  task.state = Task::State::dispatched;
  Dispatch given;
  given.worker = worker.info.id;
  given.epoch = epoch;
  given.made_of = protocol::digest_of_inputs(inputs_of(job, partition));
  given.given = s.now.steady;
  given.as_suspect = s.suspects.contains(key);
  given.lease.begin(s.now.steady);
  given.shares = !order.shared.empty();
  task.dispatches.push_back(std::move(given));
  take_credit(s, worker, job, at.index);
  TimelineEvent started;
  started.event = "started";
  started.partition = partition.name.text;
  started.worker = worker.info.id.text;
  note_and_tell(s, job, std::move(started));
  send_order(s, job, partition, order);
}

bool may_compute(State& s, const WorkerId& id, const partition::Partition& partition) {
  const Worker* worker = s.find_worker(id);
  return worker != nullptr && worker->online && worker->assigned &&
         may_run(worker->info, partition);
}

bool has_workers(State& s, const PlanState& plan, const partition::Partition& partition) {
  const auto routes = plan.routes.find(partition.name);
  if (routes == plan.routes.end()) return false;
  const auto there = std::count_if(
      routes->second.begin(), routes->second.end(), [&](const protocol::Route& route) {
        return may_compute(s, route.worker, partition) && !is_quarantined(s, route.worker) &&
               !lacks_bundle(s, route.worker, plan, partition.name);
      });
  return there >= (partition.replication.votes() ? partition.replication.quorum : 1);
}

std::int64_t batch_of(const Worker& worker, const partition::Partition& partition) {
  if (!cnn::is_worth_sharing(partition.cost.weight_bytes, partition.cost.flops)) return 1;
  return std::clamp<std::int64_t>(worker.info.max_batch, 1, kMostBatch);
}

std::int64_t most_credits_of(const State& s, const Worker& worker) {
  return s.config.worker_credits * std::clamp<std::int64_t>(worker.info.max_batch, 1, kMostBatch);
}

namespace {

// What a worker holds for one task: its inputs and outputs.
std::int64_t bytes_of_task(const partition::Partition& partition) {
  std::int64_t bytes = 0;
  for (const auto* values : {&partition.inputs, &partition.outputs}) {
    for (const auto& value : *values) bytes += value.bytes();
  }
  return bytes;
}

// What a worker holds or will hold for these tasks.
std::int64_t bytes_of_tasks(const State& s, const std::set<protocol::TaskKey>& tasks) {
  std::int64_t bytes = 0;
  for (const auto& key : tasks) {
    const auto plan = s.plans.find(key.plan);
    const auto* partition = plan == s.plans.end() ? nullptr : plan->second.plan.find(key.partition);
    if (partition != nullptr) bytes += bytes_of_task(*partition);
  }
  return bytes;
}

// The largest batch among what it has in hand, or is about to have: what feeds that one, on the
// same worker, must not be held up.
std::int64_t largest_batch(const State& s, const Worker& worker,
                           const std::set<protocol::TaskKey>& expected,
                           const partition::Partition& next) {
  std::int64_t largest = batch_of(worker, next);
  for (const auto* tasks : {&worker.credits.all(), &expected}) {
    for (const auto& task : *tasks) {
      const auto plan = s.plans.find(task.plan);
      const auto* found = plan == s.plans.end() ? nullptr : plan->second.plan.find(task.partition);
      if (found != nullptr) largest = std::max(largest, batch_of(worker, *found));
    }
  }
  return largest;
}

}  // namespace

bool has_credit(const State& s, const Worker& worker, const Job& job, std::size_t index) {
  const PlanState& plan = s.plans.at(job.summary.plan);
  const std::size_t quick = worker.credits.quick();
  if (const auto most = most_quick_tasks(s, job, plan, index, worker.info.id); most > 0)
    return quick < most;
  const protocol::TaskKey key = key_of(job, plan.plan.partitions[index]);
  const std::set<protocol::TaskKey> expected = expected_tasks(s, worker.info.id, key);
  const auto tasks = static_cast<std::int64_t>(worker.credits.size() - quick + expected.size());
  if (tasks == 0) return true;
  const auto memory = static_cast<std::int64_t>(worker.info.memory_bytes);
  const std::int64_t held = bytes_of_tasks(s, worker.credits.all()) + bytes_of_tasks(s, expected);
  if (tasks < s.config.worker_credits) {
    return held + bytes_of_task(plan.plan.partitions[index]) <= memory / kHeldShare;
  }
  if (held >= memory / kBatchShare) return false;
  const auto& partition = plan.plan.partitions[index];
  return tasks < s.config.worker_credits * largest_batch(s, worker, expected, partition);
}

void take_credit(State& s, Worker& worker, const Job& job, std::size_t index) {
  const PlanState& plan = *s.find_plan(job.summary.plan);
  worker.credits.take(key_of(job, plan.plan.partitions[index]),
                      most_quick_tasks(s, job, plan, index, worker.info.id) > 0);
}

// The others stand by. Of those that are asked last, one with room: a straggler, or else the one
// that failed the longest time ago.
Worker* free_worker(State& s, const PlanState& plan, const Job& job, std::size_t index,
                    Epoch& epoch) {
  const auto& partition = plan.plan.partitions[index];
  const auto routes = plan.routes.find(partition.name);
  if (routes == plan.routes.end()) return nullptr;
  Worker* last = nullptr;
  Milliseconds last_failed{0};
  for (const protocol::Route& route : routes->second) {
    if (!may_compute(s, route.worker, partition) || is_quarantined(s, route.worker)) continue;
    if (lacks_bundle(s, route.worker, plan, partition.name)) continue;
    Worker* worker = s.find_worker(route.worker);
    const auto failed = failed_at(s, *worker, plan.id, partition.name);
    const bool has_room = has_credit(s, *worker, job, index);
    if (!failed && !worker->straggles_with) {
      epoch = route.epoch;
      return has_room ? worker : nullptr;
    }
    const Milliseconds when = failed.value_or(Milliseconds::min());
    if (!has_room || (last != nullptr && last_failed <= when)) continue;
    last = worker;
    last_failed = when;
    epoch = route.epoch;
  }
  return last;
}

void send_order(State& s, const Job& job, const partition::Partition& partition,
                const Order& order) {
  const protocol::TaskKey key = key_of(job, partition);
  protocol::Run run{key, order.epoch, inputs_of(job, partition), order.announce};
  run.shared = {order.shared.begin(), order.shared.end()};
  s.send_worker(order.worker, std::move(run));
  if (!order.with_inputs) return;
  for (const auto& input : partition.inputs) {
    if (order.but_for.contains(input.name) || order.shared.contains(input.name)) continue;
    s.effects.emplace_back(
        SendCheckpoint{order.worker, key, order.epoch, job.stored.at(input.name)});
  }
}

namespace {

void send_again(State& s, const TaskPlace& at, const WorkerId& worker, bool with_inputs) {
  const PlanState* plan = s.find_plan(at.job->summary.plan);
  Dispatch* dispatch = at.job->tasks[at.index].with(worker);
  if (plan == nullptr || dispatch == nullptr) return;
  dispatch->lease.sent = s.now.steady;
  dispatch->shares = dispatch->shares && !with_inputs;
  const auto& partition = plan->plan.partitions[at.index];
  dispatch->made_of = protocol::digest_of_inputs(inputs_of(*at.job, partition));
  send_order(s, *at.job, partition,
             {.worker = worker, .epoch = dispatch->epoch, .with_inputs = with_inputs});
}

}  // namespace

void ask_again(State& s, const TaskPlace& at, const WorkerId& worker) {
  send_again(s, at, worker, false);
}
void send_task(State& s, const TaskPlace& at, const WorkerId& worker) {
  send_again(s, at, worker, true);
}

void resend_tasks(State& s, const WorkerId& worker) {
  for (auto& [sequence, job] : s.jobs) {
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      if (job.tasks[i].state == Task::State::dispatched) send_task(s, {&job, i}, worker);
    }
  }
  resend_copies(s, worker);
}

}  // namespace hyps::hub
