#include "services/hub/suspects.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/reputations.hpp"

namespace hyps::hub {

namespace {

bool is_suspect(const State& s, const protocol::TaskKey& key) { return s.suspects.contains(key); }

// It could begin now, if this worker had nothing else.
bool waits_for(State& s, const protocol::TaskKey& key, const WorkerId& worker) {
  const auto at = find_task(s, key);
  if (!at || at->job->summary.state != JobState::running) return false;
  if (at->job->tasks[at->index].state != Task::State::idle) return false;
  const PlanState& plan = *s.find_plan(key.plan);
  const auto& partition = plan.plan.partitions[at->index];
  return route_to(plan, key.partition, worker) != nullptr && may_compute(s, worker, partition) &&
         (partition.replication.votes() || !is_quarantined(s, worker)) &&
         has_workers(s, plan, partition) && inputs_stored(*at->job, partition);
}

std::string names_of(const std::set<WorkerId>& workers) {
  std::string names;
  for (const WorkerId& worker : workers) names += (names.empty() ? "" : ", ") + worker.text;
  return names;
}

}  // namespace

std::optional<Given> believed_computing(State& s, const WorkerId& worker) {
  std::optional<Given> first;
  Milliseconds first_given{0};
  const auto consider = [&](const Given& task, Milliseconds given) {
    if (first && given >= first_given) return;
    first = task;
    first_given = given;
  };
  for (auto& [sequence, job] : s.jobs) {
    for (std::size_t i = 0; i < job.tasks.size(); ++i) {
      const Dispatch* given = job.tasks[i].with(worker);
      if (given == nullptr || given->done) continue;
      if (job.tasks[i].state == Task::State::dispatched) {
        consider({{&job, i}, given->as_suspect}, given->given);
      }
    }
  }
  for (const auto& [key, ballot] : s.ballots) {
    const auto copy = ballot.copies.find(worker);
    const auto at = find_task(s, key);
    if (!at || ballot.decided || copy == ballot.copies.end()) continue;
    if (!copy->second.is_awaited()) continue;
    consider({*at, copy->second.as_suspect}, copy->second.given);
  }
  return first;
}

void suspect(State& s, const Given& given, const WorkerId& worker) {
  Job& job = *given.at.job;
  if (job.summary.state != JobState::running) return;
  const auto& partition = s.find_plan(job.summary.plan)->plan.partitions[given.at.index];
  const auto [at, is_new] = s.suspects.try_emplace(key_of(job, partition));
  std::set<WorkerId>& lost = at->second;
  if (!is_new && !given.as_suspect) return;  // the worker had other tasks too
  lost.insert(worker);
  if (static_cast<std::int64_t>(lost.size()) < s.config.max_workers_lost) return;
  fail_job(s, job,
           fmt::format("{}: {} different workers were lost while they had it: {}",
                       partition.name.text, lost.size(), names_of(lost)));
}

void absolve(State& s, const WorkerId& worker) {
  for (auto& [key, lost] : s.suspects) lost.erase(worker);
  const auto innocent =
      std::erase_if(s.suspects, [](const auto& suspect) { return suspect.second.empty(); });
  s.schedule_due = s.schedule_due || innocent > 0;
}

bool may_be_given(State& s, const Worker& worker, const protocol::TaskKey& key) {
  if (is_suspect(s, key)) return worker.credits.empty();
  if (s.suspects.empty()) return true;
  const auto& given = worker.credits.all();
  const bool has_one = std::any_of(given.begin(), given.end(),
                                   [&](const auto& task) { return is_suspect(s, task); });
  return !has_one && std::none_of(s.suspects.begin(), s.suspects.end(), [&](const auto& item) {
    return waits_for(s, item.first, worker.info.id);
  });
}

void forget_suspects(State& s, const JobId& job) {
  auto at = s.suspects.lower_bound({job, PlanId(), PartitionName()});
  while (at != s.suspects.end() && at->first.job == job) at = s.suspects.erase(at);
}

}  // namespace hyps::hub
