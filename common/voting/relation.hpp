// What two votes say of each other. Pure.
#pragma once

#include <map>
#include <set>
#include <string>

#include "common/protocol/messages.hpp"
#include "common/voting/compare.hpp"

namespace hyps::voting {

// What is known beside the digests.
struct Evidence {
  // Bytes of outputs. REQUIRES: each has the digest it stands under.
  std::map<Digest, Blob> values;
  // Whose bytes are not what their digests announced: they agree with nobody.
  std::set<WorkerId> forgers;
};

enum class Relation { agree, differ, unknown };  // unknown: the values would tell

struct Related {
  Relation relation = Relation::unknown;
  std::string text;  // for people
};

Related relate(const protocol::Vote& a, const protocol::Vote& b, const Tolerance& tolerance,
               const Evidence& evidence);

bool has_values(const Evidence& evidence, const protocol::Vote& vote);

}  // namespace hyps::voting
