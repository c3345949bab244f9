// Routes of one plan: who runs what, given who is there. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/partition/plan.hpp"
#include "common/planning/planning.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::manager {

struct Routing {
  std::vector<protocol::Route> routes;  // in the plan's order
  std::string problem;                  // what is missing; empty: every partition has a worker
  bool operator==(const Routing&) const = default;
};

using Held = std::map<WorkerId, std::int64_t>;  // bytes of partitions on each worker

// Keeps what can stay, places the rest on `devices`; a new route gets an epoch of its own, from
// `new_epoch` on. A replicated partition has several routes: the first is asked first, a copy that
// is loaded already takes the place of one that is gone. What fits nowhere keeps its old route, if
// it has one.
Routing route(const partition::Plan& plan, const std::vector<protocol::Route>& old,
              const std::vector<planning::Device>& devices, const Held& held, Epoch new_epoch);

// A second worker for each of the plan's partitions in `late` that has but one, where there is one
// with room; the one it had before, if it is still there.
void add_helpers(const partition::Plan& plan, const std::set<PartitionName>& late,
                 const std::vector<protocol::Route>& old,
                 const std::vector<planning::Device>& devices, const Held& held, Epoch new_epoch,
                 Routing& routing);

// What these routes hold on each worker, added to `held`.
void add_held(const partition::Plan& plan, const std::vector<protocol::Route>& routes, Held& held);

}  // namespace hyps::manager
