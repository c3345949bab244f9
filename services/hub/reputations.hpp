// What workers are known for (common/voting): kept in the store, read at start.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void count_agreement(State& s, const WorkerId& worker);
// A proven lie: from now on its votes do not count, and nothing depends on it alone.
void count_lie(State& s, const WorkerId& worker, const protocol::TaskKey& task,
               const std::string& why);
bool is_quarantined(const State& s, const WorkerId& worker);
// Whether this result needs no vote: adaptive replication, off unless trust_after is set.
bool may_skip_vote(State& s, const WorkerId& worker);

}  // namespace hyps::hub
