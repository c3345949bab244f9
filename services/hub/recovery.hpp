// Tasks that have to be given again, and why.
#pragma once

#include <string>

#include "services/hub/state.hpp"

namespace hyps::hub {

struct TaskPlace {
  Job* job;
  std::size_t index;
};
// Of an unfinished job that is bound to this very plan.
std::optional<TaskPlace> find_task(State& s, const protocol::TaskKey& key);

// Whether this worker's result is or will be wanted: it need not forget the task.
bool is_awaited(State& s, const WorkerId& worker, const protocol::TaskKey& key);

enum class TakeBack {
  lost,    // the worker is gone; it is told nothing
  moved,   // another worker has the route now, or the input is gone; this one shall forget it
  failed,  // it was tried and did not work: counts as an attempt
  unsent,  // the hub has no room to send it just now: nobody's fault, and not counted
};
// This worker shall not do it any more. When nobody else does, the task is idle again.
void take_back(State& s, const TaskPlace& at, const WorkerId& worker, const std::string& why,
               TakeBack how);
// What follows from that: it is told, and counted; too often fails the job. `worker` may be empty.
void come_back(State& s, const TaskPlace& at, const WorkerId& worker, const std::string& why,
               TakeBack how);
// Nobody but this one need do it any more; they forget it.
void release_dispatches(State& s, Task& task, const protocol::TaskKey& key,
                        const WorkerId& but_for = {});

// Everything this worker was given.
void lose_tasks(State& s, const WorkerId& worker, const std::string& why);
// What was given to workers that the plan's routes do not name any more.
void take_moved_tasks(State& s, const PlanState& plan);
// The job needs nothing more: workers forget its tasks, credits come back.
void drop_tasks(State& s, Job& job);

// A full disk may put it off; what is stored again by then stays. Should it be lost in a crash,
// they count as stored again, and damage is found again.
void delete_feature_maps(State& s, const JobId& id, std::vector<std::string> tensors);

void on_input_not_sent(State& s, const InputNotSent& event);
void on_tensor_lost(State& s, const TensorLost& event);
// On tick: results that do not come, while there is a connection.
void expire_tasks(State& s);
// The connection is back: the time without it is nobody's fault.
void restart_timeouts(State& s);

}  // namespace hyps::hub
