// Votes to count, and the values behind them.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/voting/tally.hpp"

namespace hyps::voting::testing {

using protocol::Ballot;
using protocol::Verdict;
using protocol::Vote;
using Outcome = Verdict::Outcome;

inline Blob floats(std::vector<float> values) { return Blob::of(std::move(values)); }

inline Vote vote(const std::string& worker, const Blob& value, const std::string& arithmetic = "a",
                 bool counts = true) {
  Vote result;
  result.worker = WorkerId(worker);
  result.epoch = digest_of(worker).low;
  result.arithmetic = arithmetic;
  result.counts = counts;
  result.outputs = {{"out", value.size(), digest_of(value.bytes())}};
  return result;
}

inline Ballot ballot(std::uint32_t quorum, std::vector<Vote> votes, std::uint32_t outstanding = 0) {
  Ballot result;
  result.task = {JobId("job"), PlanId("net@1"), PartitionName("v01")};
  result.number = 7;
  result.quorum = quorum;
  result.outstanding = outstanding;
  result.atol = 1e-6;
  result.rtol = 1e-4;
  result.votes = std::move(votes);
  return result;
}

inline std::vector<std::string> names(const std::vector<WorkerId>& workers) {
  std::vector<std::string> texts;
  for (const WorkerId& worker : workers) texts.push_back(worker.text);
  return texts;
}

inline Outcome outcome_of(const Verdict& verdict) { return static_cast<Outcome>(verdict.outcome); }

}  // namespace hyps::voting::testing
