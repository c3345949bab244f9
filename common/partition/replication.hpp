// Copies of a partition on different workers. A pure value, part of the plan.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace hyps::partition {

inline constexpr int kMaxReplicas = 9;

struct Replication {
  enum class Mode {
    majority,  // all compute; forwarded is what a quorum agrees on
    first,     // all compute; the first result is forwarded and checked afterwards
    standby,   // one computes; the others have the weights loaded and take over at once
  };
  Mode mode = Mode::majority;
  int replicas = 1;  // the partition's own copy included
  int quorum = 1;    // how many must agree

  // Whether results are compared at all.
  [[nodiscard]] bool votes() const { return replicas > 1 && mode != Mode::standby; }
  bool operator==(const Replication&) const = default;
};

const char* to_string(Replication::Mode mode);

// 1 <= quorum <= replicas <= kMaxReplicas. A vote needs more than half: two groups that disagree
// must never both be a quorum. Standby has nothing to vote on: quorum 1. Errors: invalid.
Status check(const Replication& replication);

// {"mode": "majority", "replicas": 3, "quorum": 2}
std::string to_json(const Replication& replication);
Result<Replication> replication_from_json(const std::string& text);

}  // namespace hyps::partition
