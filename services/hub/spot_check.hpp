// What the hub remembers of jobs whose answer is known. Plain values.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/ids.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::hub {

// Who made a partition's outputs.
struct Maker {
  WorkerId worker;
  std::uint64_t incarnation = 0;
  bool alone = true;  // nobody has voted on them

  // The same process.
  bool operator==(const Maker& other) const {
    return worker == other.worker && incarnation == other.incarnation;
  }
};

struct SpotCheckNote {
  enum class Outcome { right, wrong, unfinished };
  std::int64_t unix_ms = 0;
  ModelName model;
  JobId job;
  std::size_t image = 0;  // number of the known image
  Outcome outcome = Outcome::unfinished;
  std::vector<WorkerId> took_part;
  std::vector<WorkerId> liars;  // proven
  std::string detail;
};
inline constexpr std::size_t kMaxSpotCheckNotes = 64;

struct SpotChecks {
  // What a worker made of what, the last time: the same worker makes the same of the same.
  struct Trace {
    Maker maker;
    std::vector<protocol::TensorRef> inputs;
    std::vector<protocol::TensorRef> outputs;
  };
  std::set<ModelName> running;  // one at a time of a model
  std::set<ModelName> due;      // with the next job: the last one was wrong
  std::deque<SpotCheckNote> notes;
  std::map<std::tuple<PlanId, PartitionName, std::size_t>, Trace> traces;
};

}  // namespace hyps::hub
