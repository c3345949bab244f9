// From a ballot to its verdict; README.md has the rules and why nobody honest is accused. Pure.
#pragma once

#include <vector>

#include "common/protocol/messages.hpp"
#include "common/voting/relation.hpp"

namespace hyps::voting {

inline constexpr std::size_t kMaxCounting = 16;  // votes of a ballot; more are refused (split)

protocol::Verdict tally(const protocol::Ballot& ballot, const Evidence& evidence);

// Once a quorum agrees: whose values would tell about the votes of which it is not known whether
// they agree with it. One for each result; empty: all is known.
std::vector<WorkerId> in_doubt(const protocol::Ballot& ballot, const Evidence& evidence);

}  // namespace hyps::voting
