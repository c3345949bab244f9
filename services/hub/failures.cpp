#include "services/hub/failures.hpp"

namespace hyps::hub {

namespace {

constexpr Milliseconds kAskedLast{60'000};  // after its last failure

}  // namespace

void note_failure(State& s, const WorkerId& id, const protocol::TaskKey& task) {
  Worker* worker = s.find_worker(id);
  if (worker == nullptr) return;
  std::erase_if(worker->failed_at,
                [&](const auto& entry) { return s.now.steady - entry.second >= kAskedLast; });
  worker->failed_at[{task.plan, task.partition}] = s.now.steady;
  const bool is_news = !s.late.contains({task.plan, task.partition});
  s.late[{task.plan, task.partition}] = s.now.steady;
  s.snapshot_due = s.snapshot_due || is_news;
}

void note_success(State& s, const WorkerId& id, const protocol::TaskKey& task) {
  if (Worker* worker = s.find_worker(id)) worker->failed_at.erase({task.plan, task.partition});
}

std::optional<Milliseconds> failed_at(const State& s, const Worker& worker, const PlanId& plan,
                                      const PartitionName& partition) {
  const auto failed = worker.failed_at.find({plan, partition});
  const bool lately =
      failed != worker.failed_at.end() && s.now.steady - failed->second < kAskedLast;
  return lately ? std::optional(failed->second) : std::nullopt;
}

}  // namespace hyps::hub
