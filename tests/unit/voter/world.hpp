// A hub of sorts around a voter's core: shows ballots, sends the values that a verdict asks for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/voter/core.hpp"

namespace hyps::voter::testing {

using protocol::Ballot;
using protocol::Verdict;
using protocol::Vote;
using Outcome = Verdict::Outcome;

inline const protocol::TaskKey kTask{JobId("job"), PlanId("net@1"), PartitionName("v01")};

inline Blob floats(std::vector<float> values) { return Blob::of(std::move(values)); }

// A worker, what it announces, and what it sends when asked.
struct Replica {
  std::string name;
  Blob announced;
  Blob sent;
  std::string arithmetic = "a";
  bool counts = true;
};
inline Replica honest(const std::string& name, const Blob& value,
                      const std::string& arithmetic = "a") {
  return {name, value, value, arithmetic};
}

inline Epoch epoch_of(const std::string& worker) { return digest_of(worker).low; }

inline Vote vote_of(const Replica& replica) {
  Vote vote;
  vote.worker = WorkerId(replica.name);
  vote.epoch = epoch_of(replica.name);
  vote.arithmetic = replica.arithmetic;
  vote.counts = replica.counts;
  vote.outputs = {{"out", replica.announced.size(), digest_of(replica.announced.bytes())}};
  return vote;
}

inline Ballot ballot_of(const std::vector<Replica>& replicas, std::uint32_t quorum,
                        std::uint32_t outstanding = 0, std::uint64_t number = 1,
                        const protocol::TaskKey& task = kTask) {
  Ballot ballot;
  ballot.task = task;
  ballot.number = number;
  ballot.quorum = quorum;
  ballot.outstanding = outstanding;
  ballot.atol = 1e-6;
  ballot.rtol = 1e-4;
  for (const Replica& replica : replicas) ballot.votes.push_back(vote_of(replica));
  return ballot;
}

inline Outcome outcome_of(const Verdict& verdict) { return static_cast<Outcome>(verdict.outcome); }

inline std::vector<std::string> names(const std::vector<WorkerId>& workers) {
  std::vector<std::string> texts;
  for (const WorkerId& worker : workers) texts.push_back(worker.text);
  return texts;
}

class World {
 public:
  explicit World(CoreConfig config = {}) : core(std::move(config)) { step(Connected{}); }

  // What it says to an event.
  std::vector<Verdict> step(const Event& event) {
    std::vector<Verdict> verdicts;
    for (const Effect& effect : core.step(event, {now, 0})) {
      const auto* publish = std::get_if<Publish>(&effect);
      if (publish == nullptr) continue;
      if (const auto* verdict = std::get_if<Verdict>(&publish->message)) {
        verdicts.push_back(*verdict);
      }
      hellos += std::holds_alternative<protocol::VoterHello>(publish->message) ? 1 : 0;
    }
    return verdicts;
  }
  std::vector<Verdict> show(const Ballot& ballot) { return step(Received{ballot}); }
  std::vector<Verdict> pass(Milliseconds time) {
    now += time;
    return step(Tick{});
  }
  // The value as a stream; what is said meanwhile.
  std::vector<Verdict> send(const Replica& replica, const protocol::TaskKey& task = kTask,
                            std::size_t chunk_bytes = 5) {
    std::vector<Verdict> verdicts;
    protocol::StreamWriter writer(++stream_, task, epoch_of(replica.name), "out", replica.sent);
    while (auto chunk = writer.next(chunk_bytes)) {
      for (auto& verdict : step(Received{*chunk})) verdicts.push_back(verdict);
    }
    return verdicts;
  }
  // Until there is nothing more to do for the hub; what the voter has said last.
  Verdict play(const std::vector<Replica>& replicas, std::uint32_t quorum) {
    auto verdicts = show(ballot_of(replicas, quorum));
    std::optional<Verdict> said;
    for (int rounds = 0; rounds < 20 && !verdicts.empty(); ++rounds) {
      const Verdict last = verdicts.back();
      for (const Verdict& verdict : verdicts) {
        if (outcome_of(verdict) != Outcome::values) said = verdict;
      }
      verdicts.clear();
      if (outcome_of(last) != Outcome::values) break;
      for (const Replica& replica : replicas) {
        if (std::find(last.members.begin(), last.members.end(), WorkerId(replica.name)) ==
            last.members.end()) {
          continue;
        }
        for (auto& verdict : send(replica)) verdicts.push_back(verdict);
      }
    }
    if (!said) ADD_FAILURE() << "the voter never says what it thinks";
    return said.value_or(Verdict());
  }

  Core core;
  Milliseconds now{1000};
  int hellos = 0;

 private:
  std::uint64_t stream_ = 0;
};

}  // namespace hyps::voter::testing
