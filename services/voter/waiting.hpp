// Waiting: a ballot of which digests alone do not tell all, and the values that have come for it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "common/protocol/stream.hpp"
#include "common/voting/tally.hpp"

namespace hyps::voter {

class Waiting {
 public:
  Waiting(protocol::Ballot ballot, Milliseconds now)
      : shown(now), ballot_(std::move(ballot)), since_(now) {}

  // More votes of the same task: what is known of the old ones still holds.
  void replace(protocol::Ballot ballot, Milliseconds now);
  // Asks for the outputs of these, too.
  void ask(const std::vector<WorkerId>& workers);

  // The verdict on what is known now.
  [[nodiscard]] protocol::Verdict verdict() const { return voting::tally(ballot_, evidence_); }
  // Whose values would tell about those that are neither members nor liars of this verdict.
  [[nodiscard]] std::vector<WorkerId> in_doubt() const {
    return voting::in_doubt(ballot_, evidence_);
  }
  [[nodiscard]] const protocol::Ballot& ballot() const { return ballot_; }
  [[nodiscard]] std::vector<WorkerId> not_asked(const std::vector<WorkerId>& workers) const;
  // Of the votes whose values were asked for: what they may come to.
  [[nodiscard]] std::uint64_t asked_bytes() const;
  // Whose values were asked for and are not there.
  [[nodiscard]] std::vector<WorkerId> missing() const;

  // Whether a chunk belongs to a value that was asked for and is not there.
  [[nodiscard]] bool wants(const protocol::Chunk& chunk) const;
  // REQUIRES: wants() said so of its chunks. Bytes that are not what the vote announced make it a
  // lie.
  void take(const protocol::Arrival& arrival);
  // A tensor of another size than announced is a lie before its bytes are there.
  bool is_forged(const protocol::Chunk& chunk);

  [[nodiscard]] Milliseconds since() const { return since_; }

  Milliseconds shown{0};             // the last time a ballot of it came
  Milliseconds news{0};              // the last time anything came, or was asked for
  std::uint64_t answered = 0;        // the number of the last ballot that had a verdict
  std::optional<Milliseconds> told;  // when those that agree were found and named
  protocol::Verdict said;            // the last one that named them

 private:
  [[nodiscard]] const protocol::Vote* vote_of(Epoch epoch) const;
  [[nodiscard]] const protocol::TensorRef* output_of(Epoch epoch, const std::string& tensor) const;
  [[nodiscard]] bool is_missing(const protocol::Vote& vote) const;

  protocol::Ballot ballot_;
  voting::Evidence evidence_;
  std::set<WorkerId> asked_;
  Milliseconds since_;
};

}  // namespace hyps::voter
