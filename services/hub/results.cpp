#include "services/hub/results.hpp"

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/failures.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/quick.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/relays.hpp"
#include "services/hub/stragglers.hpp"

namespace hyps::hub {

namespace {

using Outputs = std::vector<std::pair<protocol::TensorRef, Blob>>;

// What a message of a worker is about, if the ledger agrees that the worker has this task.
struct Place {
  Job& job;
  const partition::Partition& partition;
  std::size_t index;
  Task& task;
  Dispatch& given;
  [[nodiscard]] TaskPlace place() const { return {&job, index}; }
};

std::optional<Place> dispatched_task(State& s, const WorkerId& worker, const protocol::TaskKey& key,
                                     Epoch epoch) {
  const auto found = find_task(s, key);
  if (!found) return std::nullopt;
  Task& task = found->job->tasks[found->index];
  Dispatch* given = task.with(worker);
  const bool same =
      task.state == Task::State::dispatched && given != nullptr && given->epoch == epoch;
  if (!same) return std::nullopt;
  const PlanState& plan = *s.find_plan(key.plan);
  return Place{*found->job, plan.plan.partitions[found->index], found->index, task, *given};
}

// A result nobody waits for. The worker may forget the task, unless it has or will have it by a
// newer order, or its result is just being stored.
void drop_stale(State& s, const WorkerId& worker, const protocol::TaskKey& key) {
  ++s.stale_results;
  s.log(Log::Level::info, "result.stale",
        {{"worker", worker.text}, {"job", key.job.text}, {"partition", key.partition.text}});
  if (s.find_worker(worker) == nullptr || is_awaited(s, worker, key)) return;
  s.send_worker(worker, protocol::Stored{key});
}

bool is(const Dispatch::Received& received, const protocol::TensorRef& ref) {
  return received.data.size() == ref.bytes && received.digest == ref.digest;
}

bool has_output(const partition::Partition& partition, const std::string& tensor) {
  return std::any_of(partition.outputs.begin(), partition.outputs.end(),
                     [&](const auto& output) { return output.name == tensor; });
}

bool are_the_outputs(const partition::Partition& partition,
                     const std::vector<protocol::TensorRef>& refs) {
  std::set<std::string> names;
  for (const auto& ref : refs) names.insert(ref.tensor);
  return refs.size() == partition.outputs.size() && names.size() == refs.size() &&
         std::all_of(refs.begin(), refs.end(),
                     [&](const auto& ref) { return has_output(partition, ref.tensor); });
}

TimelineEvent stored_event(const partition::Partition& partition, const Dispatch& given) {
  TimelineEvent stored;
  stored.event = "stored";
  stored.partition = partition.name.text;
  stored.worker = given.worker.text;
  stored.compute_ms = static_cast<double>(given.done->compute_us) / 1000.0;
  stored.load_ms = static_cast<double>(given.done->load_us) / 1000.0;
  return stored;
}

// Forwarded before its replicas have agreed.
bool is_unconfirmed(State& s, const protocol::TaskKey& key) {
  const Ballot* ballot = find_ballot(s, key);
  return ballot != nullptr && !ballot->decided;
}

// Not so once a result that waited for the disk was taken back, and another one waits in its place.
bool is_being_stored(const Task& task, const Outputs& outputs) {
  if (task.state != Task::State::storing || task.dispatches.empty()) return false;
  const auto& done = task.dispatches.front().done;
  return done &&
         std::equal(outputs.begin(), outputs.end(), done->outputs.begin(), done->outputs.end(),
                    [](const auto& output, const auto& ref) { return output.first == ref; });
}

void on_stored(State& s, const protocol::TaskKey& key, const Outputs& outputs,
               const TimelineEvent& stored) {
  const auto found = find_task(s, key);
  if (!found) return;
  Job& job = *found->job;
  Task& task = job.tasks[found->index];
  if (!is_being_stored(task, outputs)) return;
  for (const auto& [ref, data] : outputs) job.stored.insert_or_assign(ref.tensor, ref);
  task.state = Task::State::stored;
  ++job.summary.stored;
  s.suspects.erase(key);
  ++s.find_plan(key.plan)->runs[found->index];
  if (Worker* worker = s.find_worker(WorkerId(stored.worker))) {
    ++worker->done;
    worker->compute_us += static_cast<std::int64_t>(*stored.compute_ms * 1000.0);
  }
  if (is_unconfirmed(s, key)) {
    task.dispatches.clear();  // it is kept until the vote is over
  } else {
    release_dispatches(s, task, key);
  }
  on_ballot_stored(s, key);
  tell(s, job.summary, stored);
  s.schedule_due = s.status_due = true;
  const bool answered = std::any_of(outputs.begin(), outputs.end(), [](const auto& output) {
    return output.first.tensor == partition::kAnswerTensor;
  });
  if (answered) finish_job(s, key.job);
}

// What came before its announcement, and is not what is announced, may be of a time before this
// task had these inputs.
void judge_early_outputs(State& s, const Place& at) {
  Dispatch& given = at.given;
  const auto dropped = std::erase_if(given.received, [&](const auto& received) {
    return std::any_of(
        given.done->outputs.begin(), given.done->outputs.end(),
        [&](const auto& ref) { return ref.tensor == received.first && !is(received.second, ref); });
  });
  s.stale_results += static_cast<std::int64_t>(dropped);
  if (dropped > 0) ask_again(s, at.place(), given.worker);
}

bool contradicts_vote(State& s, const WorkerId& worker, const protocol::TaskDone& done) {
  const Copy* copy = find_copy(s, done.task, worker);
  return copy != nullptr && copy->vote && copy->vote->outputs != done.outputs;
}

std::optional<store::Batch> outputs_batch(State& s, const protocol::TaskKey& key,
                                          const Outputs& outputs) {
  const auto found = find_task(s, key);
  if (!found) return std::nullopt;
  Job& job = *found->job;
  if (!is_being_stored(job.tasks[found->index], outputs)) return std::nullopt;
  store::Batch batch;
  bool answered = false;
  for (const auto& [ref, data] : outputs) {
    batch.puts.emplace_back(feature_map_key(key.job, ref.tensor), data);
    batch.puts.emplace_back(feature_map_ref_key(key.job, ref.tensor), encode_ref(ref));
    if (is_unconfirmed(s, key)) {
      batch.puts.emplace_back(unconfirmed_key(key.job, key.partition), Blob{});
    }
    answered = answered || ref.tensor == partition::kAnswerTensor;
  }
  if (answered) {
    ++job.summary.stored;  // in the record only: it is counted once stored
    add_closing_records(s, job, batch);
    --job.summary.stored;
  } else {
    batch.puts.emplace_back(job_key(key.job), encode_job(job));
  }
  return batch;
}

// All outputs are here and right.
void store_outputs(State& s, const Place& at) {
  Outputs outputs;
  std::optional<Blob> report;
  for (const auto& ref : at.given.done->outputs) {
    outputs.emplace_back(ref, at.given.received.at(ref.tensor).data);
    if (ref.tensor == partition::kAnswerTensor) report = outputs.back().second;
  }
  if (report) {
    if (const Status status = check_report(*report); !status.ok()) {
      return fail_job(s, at.job, at.partition.name.text + ": " + status.error().message);
    }
  }
  const protocol::TaskKey key = key_of(at.job, at.partition);
  at.given.received.clear();
  at.task.state = Task::State::storing;
  const Worker* worker = s.find_worker(at.given.worker);
  note_success(s, at.given.worker, key);
  const bool alone = find_ballot(s, key) == nullptr;
  at.job.made_by[at.index] = {at.given.worker, worker == nullptr ? 0 : worker->info.incarnation,
                              alone};
  if (alone) {
    learn_pace(*s.find_plan(at.job.summary.plan), at.index, s.now.steady - at.given.given);
  }
  learn_compute_time(*s.find_plan(at.job.summary.plan), at.index, at.given.done->compute_us);
  const TimelineEvent stored = note(s, at.job, stored_event(at.partition, at.given));
  if (report) close_with_answer(s, at.job, *report);
  release_dispatches(s, at.task, key, WorkerId(at.given.worker));
  const auto shared = std::make_shared<const Outputs>(std::move(outputs));
  s.persist_until_done([&s, key, shared] { return outputs_batch(s, key, *shared); },
                       [&s, key, shared, stored] { on_stored(s, key, *shared, stored); });
}

// It was this worker's fault.
void fail_task(State& s, const Place& at, const std::string& why) {
  const WorkerId worker = at.given.worker;  // it goes with the dispatch
  note_failure(s, worker, key_of(at.job, at.partition));
  take_back(s, at.place(), worker, why, TakeBack::failed);
}

void store_when_complete(State& s, const Place& at) {
  if (!at.given.done) return;
  for (const auto& ref : at.given.done->outputs) {
    const auto received = at.given.received.find(ref.tensor);
    if (received == at.given.received.end()) return;
    if (is(received->second, ref)) continue;
    const std::string why = "output " + ref.tensor + " is not what was announced";
    accuse(s, key_of(at.job, at.partition), WorkerId(at.given.worker), why);
    return fail_task(s, at, why);
  }
  store_outputs(s, at);
}

}  // namespace

void on_task_done(State& s, const WorkerId& worker, const protocol::TaskDone& done) {
  const auto at = dispatched_task(s, worker, done.task, done.epoch);
  if (!at) return on_vote(s, worker, done) ? void() : drop_stale(s, worker, done.task);
  if (done.made_of != at->given.made_of) {
    // It renews its lease with the old one: perhaps the order did not reach it.
    if (s.now.steady - at->given.lease.sent >= kAskAgain) send_task(s, at->place(), worker);
    return drop_stale(s, worker, done.task);
  }
  if (contradicts_vote(s, worker, done)) {
    const std::string why = "the outputs are not those it announced before";
    accuse(s, done.task, worker, why);
    return fail_task(s, *at, why);
  }
  if (!are_the_outputs(at->partition, done.outputs)) {
    return fail_task(s, *at, "the worker reported outputs that are not the plan's");
  }
  const bool is_first = !at->given.done;
  at->given.done = done;
  if (is_first) at->given.done_at = s.now.steady;
  if (is_first) judge_early_outputs(s, *at);
  store_when_complete(s, *at);
}

void on_tensor(State& s, const WorkerId& worker, const protocol::Arrival& arrival) {
  on_relayed_arrival(s, worker, arrival);
  const bool shown = show_to_voter(s, worker, arrival);
  const auto at = dispatched_task(s, worker, arrival.task, arrival.epoch);
  if (!at || !has_output(at->partition, arrival.tensor)) {
    s.stale_results += shown ? 0 : 1;
    return;
  }
  note_result(s, worker, arrival);
  at->given.received.insert_or_assign(arrival.tensor,
                                      Dispatch::Received{arrival.data, arrival.digest});
  store_when_complete(s, *at);
}

void on_task_failed(State& s, const WorkerId& worker, const protocol::TaskFailed& failed) {
  const auto at = dispatched_task(s, worker, failed.task, failed.epoch);
  const std::string why = failed.message.substr(0, 1000);
  if (!at && find_copy(s, failed.task, worker) != nullptr) {
    return lose_copy(s, failed.task, worker, why, TakeBack::failed);
  }
  if (!at) return drop_stale(s, worker, failed.task);
  if (failed.permanent) {
    return fail_job(s, at->job, at->partition.name.text + ": " + why);
  }
  fail_task(s, *at, why);
}

}  // namespace hyps::hub
