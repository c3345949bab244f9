#include "common/partition/replication.hpp"

#include <fmt/format.h>

namespace hyps::partition {

const char* to_string(Replication::Mode mode) {
  switch (mode) {
    case Replication::Mode::majority:
      return "majority";
    case Replication::Mode::first:
      return "first";
    case Replication::Mode::standby:
      return "standby";
  }
  return "majority";
}

Status check(const Replication& replication) {
  const auto& r = replication;
  if (r.replicas < 1 || r.replicas > kMaxReplicas) {
    return Error{ErrorKind::invalid,
                 fmt::format("{} replicas; possible are 1 to {}", r.replicas, kMaxReplicas)};
  }
  if (r.mode == Replication::Mode::standby) {
    if (r.quorum == 1) return {};
    return Error{ErrorKind::invalid, "standby replicas do not vote: their quorum is 1"};
  }
  if (r.quorum < 1 || r.quorum > r.replicas || 2 * r.quorum <= r.replicas) {
    return Error{ErrorKind::invalid,
                 fmt::format("a quorum of {} among {}; it must be more than half of them, or two "
                             "groups could both be right",
                             r.quorum, r.replicas)};
  }
  return {};
}

}  // namespace hyps::partition
