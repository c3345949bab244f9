#include "services/hub/redo.hpp"

#include <algorithm>
#include <utility>

#include "services/hub/ballots.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"

namespace hyps::hub {

namespace {

// As if it had never been given, but for what it has cost already.
void forget_result(Job& job, std::size_t index) {
  Task& task = job.tasks[index];
  if (task.state == Task::State::stored) --job.summary.stored;
  Task fresh;
  fresh.attempts = task.attempts;
  fresh.losses = task.losses;
  task = std::move(fresh);
}

// With their marks, and again and again: neither must outlive the other. What is stored anew by
// then stays, and the mark of what is forwarded anew.
void delete_results(State& s, const JobId& id, std::vector<std::string> tensors,
                    std::vector<protocol::TaskKey> marked) {
  const auto build = [&s, id, tensors = std::move(tensors),
                      marked = std::move(marked)]() -> std::optional<store::Batch> {
    const Job* job = s.find_job(id);
    store::Batch batch;
    batch.sync = true;  // should it be lost in a power cut, so is the ballot: what is stored counts
    for (const auto& tensor : tensors) {
      if (job != nullptr && job->stored.contains(tensor)) continue;
      batch.deletes.push_back(feature_map_key(id, tensor));
      batch.deletes.push_back(feature_map_ref_key(id, tensor));
    }
    for (const auto& key : marked) {
      const Ballot* ballot = find_ballot(s, key);
      if (ballot != nullptr && !ballot->decided) continue;
      batch.deletes.push_back(unconfirmed_key(key.job, key.partition));
    }
    if (batch.deletes.empty()) return std::nullopt;
    return batch;
  };
  s.persist_until_done(build, [] {});
}

}  // namespace

void redo_from(State& s, const TaskPlace& at, const std::string& why, TakeBack how) {
  Job& job = *at.job;
  const auto& partitions = s.find_plan(job.summary.plan)->plan.partitions;
  std::set<std::string> wrong;
  std::vector<protocol::TaskKey> marked;
  for (std::size_t i = at.index; i < partitions.size(); ++i) {
    const auto& partition = partitions[i];
    const bool affected =
        i == at.index || std::any_of(partition.inputs.begin(), partition.inputs.end(),
                                     [&](const auto& input) { return wrong.contains(input.name); });
    if (!affected) continue;
    for (const auto& output : partition.outputs) {
      wrong.insert(output.name);
      job.stored.erase(output.name);
    }
    const protocol::TaskKey key = key_of(job, partition);
    marked.push_back(key);
    if (i != at.index) {
      release_dispatches(s, job.tasks[i], key);
      close_ballot(s, key);
    } else if (Ballot* ballot = find_ballot(s, key)) {
      ballot->stored = false;
    }
    forget_result(job, i);
  }
  delete_results(s, job.summary.id, {wrong.begin(), wrong.end()}, std::move(marked));
  job.remade = true;
  come_back(s, at, {}, why, how);
}

namespace {

void redo_all_of(State& s, Job& job, const WorkerId& worker) {
  const auto& partitions = s.find_plan(job.summary.plan)->plan.partitions;
  const std::string why = worker.text + ", which made it, has lied";
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    if (job.summary.state != JobState::running) return;
    Task& task = job.tasks[i];
    const protocol::TaskKey key = key_of(job, partitions[i]);
    if (task.state == Task::State::dispatched && task.with(worker) != nullptr) {
      if (find_ballot(s, key) == nullptr) take_back(s, {&job, i}, worker, why, TakeBack::moved);
      continue;
    }
    const auto maker = job.made_by.find(i);
    const bool is_its = maker != job.made_by.end() && maker->second.worker == worker;
    const bool is_made = task.state == Task::State::stored || task.state == Task::State::storing;
    if (!is_made || !is_its || !maker->second.alone) continue;
    release_dispatches(s, task, key);
    redo_from(s, {&job, i}, why, TakeBack::moved);
  }
}

}  // namespace

void redo_all_of_liars(State& s) {
  for (const WorkerId& worker : std::exchange(s.liars, {})) {
    for (auto& [sequence, job] : s.jobs) {
      if (job.summary.state == JobState::running) redo_all_of(s, job, worker);
    }
  }
}

}  // namespace hyps::hub
