#include "services/hub/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/failures.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/reputations.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

std::vector<WorkerId> workers_of(const Task& task) {
  std::vector<WorkerId> workers;
  for (const Dispatch& dispatch : task.dispatches) workers.push_back(dispatch.worker);
  return workers;
}

void release(State& s, const WorkerId& id, const protocol::TaskKey& key) {
  if (Worker* worker = s.find_worker(id)) worker->credits.give_back(key);
}

}  // namespace

void release_dispatches(State& s, Task& task, const protocol::TaskKey& key,
                        const WorkerId& but_for) {
  std::erase_if(task.dispatches, [&](const Dispatch& dispatch) {
    if (dispatch.worker == but_for) return false;
    release(s, dispatch.worker, key);
    s.send_worker(dispatch.worker, protocol::Stored{key});
    return true;
  });
  s.schedule_due = true;
}

std::optional<TaskPlace> find_task(State& s, const protocol::TaskKey& key) {
  Job* job = s.find_job(key.job);
  const PlanState* plan = s.find_plan(key.plan);
  if (job == nullptr || plan == nullptr || job->summary.plan != key.plan) return std::nullopt;
  const auto index = index_of(*plan, key.partition);
  if (!index || *index >= job->tasks.size()) return std::nullopt;
  return TaskPlace{job, *index};
}

bool is_awaited(State& s, const WorkerId& worker, const protocol::TaskKey& key) {
  const auto at = find_task(s, key);
  // An answer's job is closing while the answer is being written, which a full disk may put off.
  const bool storing = at && at->job->tasks[at->index].state == Task::State::storing;
  if (storing && at->job->tasks[at->index].with(worker) != nullptr) return true;
  if (const Copy* copy = find_copy(s, key, worker)) {
    const Ballot& ballot = *find_ballot(s, key);
    // A late vote may still lead to questions about its values.
    const bool is_over = ballot.stored && ballot.decided && ballot.answered == ballot.number;
    return copy->is_open() || (copy->failure.empty() && !is_over);
  }
  if (!at || storing) return false;
  const Task& task = at->job->tasks[at->index];
  if (at->job->summary.state != JobState::running) return false;
  if (task.state == Task::State::stored) return false;
  if (task.state == Task::State::voting) return false;  // it has no copy of it, see above
  if (task.state != Task::State::idle) return task.with(worker) != nullptr;
  // Not given to anybody now (the hub was started anew): it will be given to this one again, which
  // then need not begin anew.
  return route_to(*s.find_plan(key.plan), key.partition, worker) != nullptr;
}

void take_back(State& s, const TaskPlace& at, const WorkerId& worker, const std::string& why,
               TakeBack how) {
  const auto& partition = s.find_plan(at.job->summary.plan)->plan.partitions[at.index];
  const protocol::TaskKey key = key_of(*at.job, partition);
  release(s, worker, key);
  lose_copy(s, key, worker, why);
  if (how != TakeBack::lost) s.send_worker(worker, protocol::Stored{key});
  std::erase_if(at.job->tasks[at.index].dispatches,
                [id = worker](const Dispatch& dispatch) { return dispatch.worker == id; });
  come_back(s, at, worker, why, how);
}

void come_back(State& s, const TaskPlace& at, const WorkerId& worker, const std::string& why,
               TakeBack how) {
  Job& job = *at.job;
  const auto& partition = s.find_plan(job.summary.plan)->plan.partitions[at.index];
  Task& task = job.tasks[at.index];
  if (task.dispatches.empty()) task.state = Task::State::idle;
  if (how == TakeBack::failed) {
    ++task.attempts;
    task.not_before = s.now.steady + Milliseconds(s.config.retry_delay_ms * task.attempts);
  } else if (how != TakeBack::unsent) {
    ++task.losses;
  }
  ++job.summary.recoveries;
  s.schedule_due = true;
  s.log(Log::Level::warn, "task.recovered",
        {{"job", job.summary.id.text},
         {"partition", partition.name.text},
         {"worker", worker.text},
         {"why", why}});
  TimelineEvent recovered;
  recovered.event = "recovered";
  recovered.partition = partition.name.text;
  recovered.worker = worker.text;
  recovered.detail = why;
  note_and_tell(s, job, std::move(recovered));
  if (task.attempts >= s.config.max_attempts || task.losses > s.config.max_losses) {
    fail_job(s, job,
             fmt::format("{} did not succeed in {} tries; the last time: {}", partition.name.text,
                         task.attempts + task.losses, why));
  }
}

void lose_tasks(State& s, const WorkerId& worker, const std::string& why) {
  const auto computing = believed_computing(s, worker);
  for (auto& [sequence, job] : s.jobs) {
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      const Task& task = job.tasks[i];
      if (task.state == Task::State::dispatched && task.with(worker) != nullptr) {
        take_back(s, {&job, i}, worker, why, TakeBack::lost);
      }
    }
  }
  lose_copies(s, worker, why);
  if (computing) suspect(s, *computing, worker);
}

void take_moved_tasks(State& s, const PlanState& plan) {
  for (auto& [sequence, job] : s.jobs) {
    if (job.summary.plan != plan.id) continue;
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      if (job.tasks[i].state != Task::State::dispatched) continue;
      for (const WorkerId& worker : workers_of(job.tasks[i])) {
        if (job.tasks[i].state != Task::State::dispatched) break;  // the job has failed
        if (route_to(plan, plan.plan.partitions[i].name, worker) != nullptr) continue;
        take_back(s, {&job, i}, worker, "the partition was assigned to another worker",
                  TakeBack::moved);
      }
    }
  }
  lose_moved_copies(s, plan);
}

void drop_tasks(State& s, Job& job) {
  const PlanState* plan = s.find_plan(job.summary.plan);
  if (plan == nullptr) return;
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    Task& task = job.tasks[i];
    const protocol::TaskKey key = key_of(job, plan->plan.partitions[i]);
    const Ballot* ballot = find_ballot(s, key);
    const bool undecided = ballot != nullptr && !ballot->decided;
    if (task.state != Task::State::stored || undecided) close_ballot(s, key);
    if (task.state == Task::State::voting) task = {};
    if (task.state != Task::State::dispatched && task.state != Task::State::storing) continue;
    release_dispatches(s, task, key);
    task = {};
  }
  s.schedule_due = true;
}

void delete_feature_maps(State& s, const JobId& id, std::vector<std::string> tensors) {
  const auto build = [&s, id, tensors = std::move(tensors)]() -> std::optional<store::Batch> {
    const Job* job = s.find_job(id);
    store::Batch batch;
    for (const auto& tensor : tensors) {
      if (job != nullptr && job->stored.contains(tensor)) continue;
      batch.deletes.push_back(feature_map_key(id, tensor));
      batch.deletes.push_back(feature_map_ref_key(id, tensor));
    }
    if (batch.deletes.empty()) return std::nullopt;
    return batch;
  };
  s.persist_until_done(build, [] {});
}

namespace {

// Takes it back from the worker it was given to, or from all of its replicas.
void give_up(State& s, const TaskPlace& at, const std::string& why, TakeBack how) {
  const auto& partition = s.find_plan(at.job->summary.plan)->plan.partitions[at.index];
  const Ballot* ballot = find_ballot(s, key_of(*at.job, partition));
  if (ballot != nullptr && !ballot->decided) return end_round(s, at, why, how);
  for (const WorkerId& worker : workers_of(at.job->tasks[at.index])) {
    if (at.job->summary.state == JobState::running) take_back(s, at, worker, why, how);
  }
}

bool reads(const partition::Partition& partition, const std::string& tensor) {
  return std::any_of(partition.inputs.begin(), partition.inputs.end(),
                     [&](const auto& input) { return input.name == tensor; });
}

// Those that were given the tensor before it was found damaged: they could not be sent again, nor
// could the other members of a quorum be asked for what they have made of it.
void take_back_consumers(State& s, Job& job, const PlanState& plan, const std::string& tensor) {
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    const auto& partition = plan.plan.partitions[i];
    if (!reads(partition, tensor)) continue;
    const Task& task = job.tasks[i];
    if (task.state == Task::State::dispatched || task.state == Task::State::voting) {
      give_up(s, {&job, i}, "its input " + tensor + " is computed again", TakeBack::moved);
    }
    if (task.state == Task::State::idle) close_ballot(s, key_of(job, partition));
  }
}

// What the partition before it made is gone: it is computed again.
void undo(State& s, Job& job, const std::string& tensor, const std::string& why) {
  const PlanState& plan = *s.find_plan(job.summary.plan);
  const auto producer = plan.producer.find(tensor);
  if (producer == plan.producer.end()) {
    return fail_job(s, job, "the stored input is damaged; send it again: " + why);
  }
  job.remade = true;
  take_back_consumers(s, job, plan, tensor);
  if (job.summary.state != JobState::running) return;
  job.stored.erase(tensor);
  Task& task = job.tasks[producer->second];
  if (task.state == Task::State::stored) {
    task = {};
    --job.summary.stored;
  }
  delete_feature_maps(s, job.summary.id, {tensor});
  ++job.summary.recoveries;
  TimelineEvent recovered;
  recovered.event = "recovered";
  recovered.partition = plan.plan.partitions[producer->second].name.text;
  recovered.detail = fmt::format("its stored output {} is damaged: {}", tensor, why);
  note_and_tell(s, job, std::move(recovered));
}

}  // namespace

void on_input_not_sent(State& s, const InputNotSent& event) {
  const auto at = find_task(s, event.task);
  if (!at) return;
  Job& job = *at->job;
  const Task& task = job.tasks[at->index];
  const Copy* copy = find_copy(s, event.task, event.worker);
  const bool voting = task.state == Task::State::voting && copy != nullptr && copy->is_awaited() &&
                      copy->epoch == event.epoch;
  const Dispatch* dispatch = task.with(event.worker);
  const bool dispatched = task.state == Task::State::dispatched && dispatch != nullptr &&
                          dispatch->epoch == event.epoch;
  if (!voting && !dispatched) return;
  // Nobody's failure: all that is unfinished is sent when the broker is back.
  if (event.error.kind == ErrorKind::disconnected) return;
  const bool gone =
      event.error.kind == ErrorKind::corrupt || event.error.kind == ErrorKind::not_found;
  const bool is_full = event.error.kind == ErrorKind::overloaded;
  give_up(s, *at, "its input could not be sent: " + event.error.message,
          gone      ? TakeBack::moved
          : is_full ? TakeBack::unsent
                    : TakeBack::failed);
  if (job.summary.state != JobState::running) return;
  if (gone) return undo(s, job, event.tensor, event.error.message);
  job.tasks[at->index].not_before = s.now.steady + Milliseconds(s.config.retry_delay_ms);
}

void on_tensor_lost(State& s, const TensorLost& event) {
  const auto at = find_task(s, event.task);
  if (!at) return;
  const Task& task = at->job->tasks[at->index];
  const auto dispatch =
      std::find_if(task.dispatches.begin(), task.dispatches.end(),
                   [&](const Dispatch& given) { return given.epoch == event.epoch; });
  if (task.state != Task::State::dispatched || dispatch == task.dispatches.end()) return;
  s.log(Log::Level::warn, "result.broken",
        {{"job", event.task.job.text},
         {"partition", event.task.partition.text},
         {"why", event.reason}});
  if (s.now.steady - dispatch->lease.sent < kAskAgain) return;
  ask_again(s, *at, dispatch->worker);
}

void restart_timeouts(State& s) {
  for (auto& [sequence, job] : s.jobs) {
    for (Task& task : job.tasks) {
      for (Dispatch& dispatch : task.dispatches) dispatch.given = dispatch.done_at = s.now.steady;
    }
  }
  for (auto& [key, ballot] : s.ballots) {
    for (auto& [worker, copy] : ballot.copies) copy.given = s.now.steady;
  }
}

void expire_tasks(State& s) {
  if (!s.connected) return;
  expire_ballots(s);
  const Milliseconds result_timeout(s.config.result_timeout_ms);
  const Milliseconds task_timeout(s.config.task_timeout_ms);
  for (auto& [sequence, job] : s.jobs) {
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      for (const WorkerId& worker : workers_of(job.tasks[i])) {
        if (job.tasks[i].state != Task::State::dispatched) continue;
        const Dispatch& given = *job.tasks[i].with(worker);
        if (given.done && s.now.steady - given.done_at > result_timeout) {
          take_back(s, {&job, i}, worker, "its outputs did not arrive in time", TakeBack::moved);
        } else if (s.now.steady - given.given > task_timeout) {
          note_failure(s, worker, key_of(job, s.find_plan(job.summary.plan)->plan.partitions[i]));
          take_back(s, {&job, i}, worker, "it was not done in time", TakeBack::failed);
        }
      }
    }
  }
}

}  // namespace hyps::hub
