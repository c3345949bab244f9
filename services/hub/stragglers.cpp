#include "services/hub/stragglers.hpp"

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/failures.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/reputations.hpp"
#include "services/hub/rot.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

constexpr double kWeight = 0.25;                 // of the latest time
constexpr double kLongest = 24.0 * 3600 * 1000;  // ms
constexpr Milliseconds kHelped{60'000};          // that long after it was late last

double milliseconds(Milliseconds time) { return static_cast<double>(time.count()); }

// A replicated partition waits for nobody but its quorum; a suspect must be alone.
bool may_be_doubled(State& s, const TaskPlace& at, const protocol::TaskKey& key) {
  const Task& task = at.job->tasks[at.index];
  return task.state == Task::State::dispatched && task.dispatches.size() == 1 &&
         !task.dispatches.front().done && find_ballot(s, key) == nullptr &&
         !s.suspects.contains(key);
}

bool is_late(const State& s, const PlanState& plan, const TaskPlace& at) {
  const auto expected = expected_time(plan, at.index);
  if (!expected) return false;
  const Milliseconds took = s.now.steady - at.job->tasks[at.index].dispatches.front().given;
  return took >
         std::max(*expected * s.config.straggler_factor, Milliseconds(s.config.straggler_after_ms));
}

// nullptr: none has room.
const protocol::Route* second_route(State& s, const PlanState& plan, const TaskPlace& at,
                                    const protocol::TaskKey& key) {
  const auto& partition = plan.plan.partitions[at.index];
  const auto routes = plan.routes.find(partition.name);
  if (routes == plan.routes.end()) return nullptr;
  const auto able = [&](const protocol::Route& route) {
    return at.job->tasks[at.index].with(route.worker) == nullptr &&
           may_compute(s, route.worker, partition) && !is_quarantined(s, route.worker) &&
           !lacks_bundle(s, route.worker, plan, partition.name) &&
           !failed_at(s, *s.find_worker(route.worker), plan.id, partition.name) &&
           has_credit(s, *s.find_worker(route.worker), *at.job, at.index) &&
           may_be_given(s, *s.find_worker(route.worker), key) &&
           owed_votes_on_inputs(s, key.job, plan, partition, route.worker) == OwedVotes::none;
  };
  const auto found = std::find_if(routes->second.begin(), routes->second.end(), able);
  return found == routes->second.end() ? nullptr : &*found;
}

void double_if_late(State& s, const PlanState& plan, const TaskPlace& at) {
  const auto& partition = plan.plan.partitions[at.index];
  const protocol::TaskKey key = key_of(*at.job, partition);
  if (!may_be_doubled(s, at, key) || !is_late(s, plan, at)) return;
  const bool news = !s.late.contains({plan.id, partition.name});
  s.late[{plan.id, partition.name}] = s.now.steady;
  s.snapshot_due = s.snapshot_due || news;
  const protocol::Route* route = second_route(s, plan, at, key);
  if (route == nullptr) return;
  s.log(Log::Level::warn, "task.late",
        {{"job", key.job.text},
         {"partition", key.partition.text},
         {"worker", at.job->tasks[at.index].dispatches.front().worker.text},
         {"also", route->worker.text}});
  Worker* straggler = s.find_worker(at.job->tasks[at.index].dispatches.front().worker);
  if (straggler != nullptr) straggler->straggles_with = key;
  dispatch(s, at, *s.find_worker(route->worker), route->epoch);
}

}  // namespace

void learn_pace(PlanState& plan, std::size_t index, Milliseconds took) {
  double& pace = plan.paces[index];
  pace = pace < 0 ? milliseconds(took) : pace + kWeight * (milliseconds(took) - pace);
}

// One that has not been seen takes as long for its work as the slowest of those that have been.
std::optional<Milliseconds> expected_time(const PlanState& plan, std::size_t index) {
  const auto work = [&](std::size_t i) {
    return 1.0 + static_cast<double>(plan.plan.partitions[i].cost.flops);
  };
  double expected = plan.paces[index];
  for (std::size_t i = 0; plan.paces[index] < 0 && i < plan.paces.size(); ++i) {
    if (plan.paces[i] < 0) continue;
    expected = std::max(expected, plan.paces[i] * std::max(1.0, work(index) / work(i)));
  }
  if (expected < 0) return std::nullopt;
  return Milliseconds(static_cast<std::int64_t>(std::min(expected, kLongest)));
}

void double_stragglers(State& s) {
  if (!s.connected) return;
  for (auto& [sequence, job] : s.jobs) {
    const PlanState* plan = s.find_plan(job.summary.plan);
    if (plan == nullptr || job.summary.state != JobState::running) continue;
    for (std::size_t i = 0; i < job.tasks.size(); ++i) double_if_late(s, *plan, {&job, i});
  }
  const auto over = std::erase_if(s.late, [&](const auto& entry) {
    return s.now.steady - entry.second > kHelped || s.find_plan(entry.first.first) == nullptr;
  });
  s.snapshot_due = s.snapshot_due || over > 0;
}

}  // namespace hyps::hub
