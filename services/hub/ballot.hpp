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
  std::string arithmetic;    // of the process that voted; its worker may be another one by now
  std::string failure;       // not empty: it is out, and why; a vote it has given stays
  bool as_suspect = false;   // when it was given (suspects.hpp)
  bool holds_credit = true;  // until its vote can no longer matter, or the result is stored
  bool shown = false;        // its outputs go to the voter
  bool judged = false;       // its reputation has had this vote
  bool doubted = false;      // a quorum agrees, and only its values can tell whether with it

  [[nodiscard]] bool is_awaited() const { return !vote && failure.empty(); }
  // A verdict on it may still come.
  [[nodiscard]] bool is_open() const { return failure.empty() && (!vote || doubted); }
};

struct Ballot {
  partition::Replication replication;
  // Another one with each change, of any ballot: so a verdict names what it has seen, and one about
  // an earlier round of the task means nothing.
  std::uint64_t number = 0;
  std::uint64_t opened = 0;    // the last one before it
  std::uint64_t answered = 0;  // the last number a verdict was about
  Milliseconds shown{0};       // to a voter, the last time
  std::size_t outputs = 0;     // of the partition
  std::vector<protocol::TensorRef> inputs;
  std::map<WorkerId, Copy> copies;
  bool decided = false;
  std::vector<WorkerId> members;  // of the verdict, whose outputs have not been asked for yet
  WorkerId forwarded;             // whose outputs were taken
  bool stored = false;
  Milliseconds doubted{0};  // the verdict, or when the result was stored
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
