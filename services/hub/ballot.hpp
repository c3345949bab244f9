// Ballot: what the replicas of a partition say of one task (README.md, "A ballot").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/partition/replication.hpp"
#include "common/protocol/messages.hpp"
#include "services/hub/lease.hpp"

namespace hyps::hub {

// One replica's part in it.
struct Copy {
  Epoch epoch = 0;
  Milliseconds given{0};
  Lease lease;
  std::optional<protocol::TaskDone> vote;
  std::string failure;       // not empty: it is out, and why; a vote it has given stays
  bool holds_credit = true;  // until its vote can no longer matter, or the result is stored
  bool shown = false;        // its outputs go to the voter
  bool judged = false;       // its reputation has had this vote

  [[nodiscard]] bool is_awaited() const { return !vote && failure.empty(); }
};

struct Ballot {
  partition::Replication replication;
  std::uint64_t number = 0;    // rises with each change, so that a verdict names what it has seen
  std::uint64_t answered = 0;  // the last number a verdict was about
  Milliseconds shown{0};       // to a voter, the last time
  std::size_t outputs = 0;     // of the partition
  std::map<WorkerId, Copy> copies;
  bool decided = false;
  std::vector<WorkerId> members;  // of the verdict, whose outputs have not been asked for yet
  WorkerId forwarded;             // whose outputs were taken
  bool stored = false;
};

// What a verdict said, for people.
struct VerdictNote {
  std::int64_t unix_ms = 0;
  protocol::TaskKey task;
  std::vector<WorkerId> agree;
  std::vector<WorkerId> differ;
  std::string detail;
};
inline constexpr std::size_t kMaxVerdictNotes = 200;

}  // namespace hyps::hub
