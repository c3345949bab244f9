// Tasks that may be what kills their workers.
#pragma once

#include "services/hub/recovery.hpp"

namespace hyps::hub {

struct Given {
  TaskPlace at;
  bool as_suspect = false;  // it was one already when it was given
};
// The task that this worker is believed to compute: the first it was given of those it has not done
// and that are still needed.
std::optional<Given> believed_computing(State& s, const WorkerId& worker);
// This worker was lost with it. Fails the job when it was the last it may take along; those count
// that got the task when it was a suspect already, and so had nothing else, and the first one.
void suspect(State& s, const Given& given, const WorkerId& worker);
// The process that was thought lost is there: nothing has killed it.
void absolve(State& s, const WorkerId& worker);
// A suspect gets a worker for itself alone; a worker that one waits for is given nothing else.
bool may_be_given(State& s, const Worker& worker, const protocol::TaskKey& key);
// Its job is finished.
void forget_suspects(State& s, const JobId& job);

}  // namespace hyps::hub
