// What workers send back: checked, stored, acknowledged.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_task_done(State& s, const WorkerId& worker, const protocol::TaskDone& done);
void on_task_failed(State& s, const WorkerId& worker, const protocol::TaskFailed& failed);
void on_tensor(State& s, const WorkerId& worker, const protocol::Arrival& arrival);

}  // namespace hyps::hub
