#include "services/hub/invariants.hpp"

#include <fmt/format.h>

#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"

namespace hyps::hub {

namespace {

std::string broken_of_dispatches(const State& s, const Task& task, const protocol::TaskKey& key) {
  const std::size_t count = task.dispatches.size();
  switch (task.state) {
    case Task::State::dispatched:
      if (count != 1 && count != 2) return "a task is not with one worker or two";
      break;
    case Task::State::storing:
      if (count != 1) return "not one worker's results are being stored";
      break;
    default:
      if (count != 0) return "a task that is not dispatched is with a worker";
  }
  for (const Dispatch& given : task.dispatches) {
    const auto worker = s.workers.find(given.worker);
    if (task.state != Task::State::dispatched) {
      if (!given.received.empty()) return "results are kept of a task that is not dispatched";
      continue;
    }
    const bool holds_credit = worker != s.workers.end() && worker->second.credits.contains(key);
    if (!holds_credit) return "a dispatched task holds no credit of its worker";
    if (!worker->second.online) return "a task is dispatched to a worker that is away";
  }
  return {};
}

std::string broken_of_task(const State& s, const Job& job, const PlanState& plan, std::size_t i) {
  const Task& task = job.tasks[i];
  const auto& partition = plan.plan.partitions[i];
  const protocol::TaskKey key = key_of(job, partition);
  if (std::string broken = broken_of_dispatches(s, task, key); !broken.empty()) return broken;
  if (task.state == Task::State::dispatched) {
    if (!inputs_stored(job, partition)) return "a task is dispatched without its inputs stored";
    if (outputs_stored(job, partition)) return "a task is dispatched whose outputs are stored";
  }
  if (task.state == Task::State::voting) {
    const auto ballot = s.ballots.find(key);
    if (ballot == s.ballots.end()) return "a task is being voted on without a ballot";
    if (ballot->second.decided) return "a task is being voted on after its verdict";
    if (!inputs_stored(job, partition)) return "a task is being voted on without its inputs stored";
    if (outputs_stored(job, partition)) return "a task is being voted on whose outputs are stored";
  }
  if (task.state == Task::State::stored && !outputs_stored(job, partition)) {
    return "a task is stored, but not its outputs";
  }
  if (task.state == Task::State::idle && !partition.outputs.empty() &&
      outputs_stored(job, partition)) {
    return "a task is idle whose outputs are stored";
  }
  return {};
}

std::string broken_of_job(const State& s, const Job& job) {
  const JobState state = job.summary.state;
  if (state == JobState::done || state == JobState::failed) return "a finished job is in the queue";
  if (!job.stored.contains(partition::kImageTensor) && state != JobState::closing) {
    return "a job has lost its image";
  }
  if (job.timeline.size() > static_cast<std::size_t>(s.config.max_timeline_events)) {
    return "a timeline is too long";
  }
  if (state == JobState::accepting || state == JobState::waiting) {
    return job.tasks.empty() ? "" : "a waiting job has tasks";
  }
  if (job.summary.plan.empty()) {
    return state == JobState::closing ? "" : "a running job has no plan";
  }
  const auto plan = s.plans.find(job.summary.plan);
  if (plan == s.plans.end()) return "a running job's plan is gone";
  if (job.tasks.size() != plan->second.plan.partitions.size()) {
    return "a running job has not one task for each partition";
  }
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    if (std::string broken = broken_of_task(s, job, plan->second, i); !broken.empty()) {
      return broken + " (" + plan->second.plan.partitions[i].name.text + ")";
    }
  }
  return {};
}

bool holds_credit_of_ballot(const State& s, const protocol::TaskKey& key, const WorkerId& worker) {
  const auto ballot = s.ballots.find(key);
  if (ballot == s.ballots.end()) return false;
  const auto copy = ballot->second.copies.find(worker);
  return copy != ballot->second.copies.end() && copy->second.holds_credit;
}

std::string broken_of_ballots(const State& s) {
  for (const auto& [key, ballot] : s.ballots) {
    const bool needed = s.unfinished.contains(key.job);
    if (!needed && !ballot.decided) return "a ballot is open for a job that is finished";
    for (const auto& [id, copy] : ballot.copies) {
      const auto worker = s.workers.find(id);
      const bool credit = worker != s.workers.end() && worker->second.credits.contains(key);
      if (copy.holds_credit && !ballot.stored && !credit) return "a replica holds no credit";
      if (copy.holds_credit && !copy.failure.empty()) return "a replica that is out holds credit";
    }
  }
  return {};
}

std::string broken_of_worker(const State& s, const Worker& worker) {
  std::size_t storing = 0;
  for (const auto& key : worker.credits.all()) {
    if (holds_credit_of_ballot(s, key, worker.info.id)) continue;
    const auto sequence = s.unfinished.find(key.job);
    if (sequence == s.unfinished.end()) return "credit is held for a finished job";
    const Job& job = s.jobs.at(sequence->second);
    const auto plan = s.plans.find(key.plan);
    if (plan == s.plans.end() || job.summary.plan != key.plan) return "credit for another plan";
    const auto index = index_of(plan->second, key.partition);
    if (!index) return "credit for no partition";
    const Task& task = job.tasks[*index];
    const bool working =
        task.state == Task::State::dispatched || task.state == Task::State::storing;
    if (!working || task.with(worker.info.id) == nullptr) return "credit is held for nothing";
    storing += task.state == Task::State::storing ? 1 : 0;
  }
  // What is being stored it may have made in a former life, which took larger batches.
  const std::size_t others = worker.credits.size() - worker.credits.quick();
  if (static_cast<std::int64_t>(others) >
      most_credits_of(s, worker) + static_cast<std::int64_t>(storing)) {
    return "a worker has more tasks than credits";
  }
  return {};
}

std::string broken_of_finished(const State& s) {
  std::int64_t bytes = 0;
  for (const auto& [id, job] : s.finished) {
    const Kept& kept = job.summary.state == JobState::failed ? s.failed : s.done;
    const Kept::Place place{job.summary.finished_unix_ms, id};
    if (!kept.jobs.contains(place) ||
        kept.with_feature_maps.contains(place) != job.has_feature_maps) {
      return "a finished job is not where it should";
    }
    if (job.has_feature_maps) bytes += job.feature_map_bytes;
  }
  if (s.done.jobs.size() + s.failed.jobs.size() != s.finished.size()) {
    return "the order of finished jobs is wrong";
  }
  if (bytes != s.feature_map_bytes) return "the bytes of kept feature maps are wrong";
  return {};
}

std::string broken_of_indexes(const State& s) {
  if (s.unfinished.size() != s.jobs.size()) return "the index of unfinished jobs is wrong";
  for (const auto& [id, sequence] : s.unfinished) {
    const auto job = s.jobs.find(sequence);
    if (job == s.jobs.end() || job->second.summary.id != id) return "a job is not where it should";
    if (s.finished.contains(id)) return "a job is both finished and unfinished";
  }
  if (std::string broken = broken_of_finished(s); !broken.empty()) return broken;
  for (const JobId& id : s.unannounced) {
    if (!s.finished.contains(id)) return "an unfinished job's answer is to be announced";
  }
  const auto kept =
      static_cast<std::size_t>(s.config.keep_finished_jobs + s.config.keep_failed_jobs) +
      s.unannounced.size();
  if (s.finished.size() > kept && !s.prune_due) return "more finished jobs are kept than allowed";
  for (const auto& [key, workers] : s.suspects) {
    if (!s.unfinished.contains(key.job)) return "a task of a finished job is suspected";
  }
  for (const auto& [name, model] : s.models) {
    if (!model.plan.empty() && !s.plans.contains(model.plan)) return "a model's plan is gone";
  }
  return {};
}

std::string broken_of_relays(const State& s) {
  std::uint64_t held = 0;
  for (const auto& [id, bytes] : s.relayed_bytes) held += bytes;
  if (held > static_cast<std::uint64_t>(s.config.max_relay_bytes)) {
    return "more is being relayed than the memory for it allows";
  }
  return {};
}

}  // namespace

std::string broken_invariant(const State& s) {
  if (std::string broken = broken_of_ballots(s); !broken.empty()) return broken;
  if (std::string broken = broken_of_indexes(s); !broken.empty()) return broken;
  if (std::string broken = broken_of_relays(s); !broken.empty()) return broken;
  for (const auto& [sequence, job] : s.jobs) {
    if (std::string broken = broken_of_job(s, job); !broken.empty()) {
      return "job " + job.summary.id.text + ": " + broken;
    }
  }
  for (const auto& [id, worker] : s.workers) {
    if (std::string broken = broken_of_worker(s, worker); !broken.empty()) {
      return "worker " + id.text + ": " + broken;
    }
  }
  return {};
}

}  // namespace hyps::hub
