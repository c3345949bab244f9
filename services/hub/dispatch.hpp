// Which partition of which job goes to which worker now.
#pragma once

#include "services/hub/recovery.hpp"

namespace hyps::hub {

// Starts waiting jobs while their model has a plan and room, then gives every partition whose
// inputs are stored, and whose outputs are not, to the worker its route names, as far as credits
// go. Oldest job first.
void schedule(State& s);

// Whether the worker is there and may have this partition.
bool may_compute(State& s, const WorkerId& worker, const partition::Partition& partition);
// Whether a worker that is not in quarantine, or a quorum of them, is there for it.
bool has_workers(State& s, const PlanState& plan, const partition::Partition& partition);
// How many tasks of the partition the worker may compute in one go.
inline constexpr std::int64_t kMostBatch = 64;  // whatever a worker says
std::int64_t batch_of(const Worker& worker, const partition::Partition& partition);
// How many tasks it may ever have at a time: worker_credits batches.
std::int64_t most_credits_of(const State& s, const Worker& worker);
// Beyond worker_credits tasks only while the inputs and outputs of those it has take less than this
// part of its memory: they are held besides the partitions.
inline constexpr std::int64_t kBatchShare = 8;
// And a second task at all only where both take no more than this part of it: what a worker holds
// beyond that it does not accept.
inline constexpr std::int64_t kHeldShare = 4;
// Whether it may have this task besides what it has, and is about to have (relays.hpp).
bool has_credit(const State& s, const Worker& worker, const Job& job, std::size_t index);
void take_credit(State& s, Worker& worker, const Job& job, std::size_t index);
// Who would be given the task now: the first of the partition's workers that is there and not just
// late. nullptr: nobody, or that one has no credit.
Worker* free_worker(State& s, const PlanState& plan, const Job& job, std::size_t index,
                    Epoch& epoch);

struct Order {
  WorkerId worker;
  Epoch epoch = 0;
  bool announce = false;  // its outputs' digests only
  bool with_inputs = true;
  std::set<std::string> but_for = {};  // inputs that it has for this task
  std::set<std::string> shared = {};   // for another one
};
void send_order(State& s, const Job& job, const partition::Partition& partition,
                const Order& order);

// Gives it to this worker, besides those that have it already.
void dispatch(State& s, const TaskPlace& at, Worker& worker, Epoch epoch);
// Sends a task that the worker was given (again). The worker ignores what it has already.
void send_task(State& s, const TaskPlace& at, const WorkerId& worker);
// The order only: a worker that has done the task sends its results again.
void ask_again(State& s, const TaskPlace& at, const WorkerId& worker);
void resend_tasks(State& s, const WorkerId& worker);

}  // namespace hyps::hub
