#include "common/voting/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "common/voting/cliques.hpp"

namespace hyps::voting {

namespace {

using protocol::Ballot;
using protocol::Verdict;
using protocol::Vote;
static_assert(kMaxCounting <= kMaxNodes);

// How a vote stands to those that count, as sets of them.
struct Row {
  Set agree = 0;
  Set differ = 0;
};

class Count {
 public:
  Count(const Ballot& ballot, const Evidence& evidence)
      : ballot_(ballot),
        evidence_(evidence),
        quorum_(std::max<std::size_t>(ballot.quorum, 1)),
        tolerance_{ballot.atol, ballot.rtol} {
    for (const Vote& vote : ballot.votes) {
      if (is_known(vote.worker)) continue;  // nobody votes twice
      (vote.counts ? counting_ : shadows_).push_back(&vote);
    }
  }

  Verdict verdict() {
    Verdict result;
    result.task = ballot_.task;
    result.number = ballot_.number;
    decide(result);
    return result;
  }

  std::vector<WorkerId> in_doubt() {
    if (counting_.size() > kMaxCounting) return {};
    relate_all();
    const Set members = largest_clique(agree_, all_);
    if (size_of(members) < quorum_) return {};
    std::vector<const Vote*> asked;
    for (const auto* votes : {&counting_, &shadows_}) {
      for (const Vote* vote : *votes) add_doubtful(asked, *vote, members);
    }
    return names_of(asked);
  }

 private:
  using Outcome = Verdict::Outcome;

  [[nodiscard]] bool is_known(const WorkerId& worker) const {
    const auto by = [&](const Vote* vote) { return vote->worker == worker; };
    return std::any_of(counting_.begin(), counting_.end(), by) ||
           std::any_of(shadows_.begin(), shadows_.end(), by);
  }
  [[nodiscard]] bool is_forger(const Vote& vote) const {
    return evidence_.forgers.contains(vote.worker);
  }

  void decide(Verdict& result) {
    if (counting_.size() > kMaxCounting) {
      return finish(
          result, Outcome::split,
          fmt::format("{} votes; at most {} are compared", counting_.size(), kMaxCounting));
    }
    relate_all();
    for (const Vote& vote : ballot_.votes) {
      if (is_forger(vote)) add(result.liars, vote.worker);
    }
    if (has_opposed_cliques(agree_, differ_, all_, quorum_)) {
      return finish(result, Outcome::split,
                    fmt::format("two groups of {} contradict each other", quorum_));
    }
    const Set members = largest_clique(agree_, all_);
    if (size_of(members) >= quorum_) return agreed(result, members);
    const std::size_t possible = size_of(largest_clique(possible_, all_));
    if (possible >= quorum_) {
      result.members = wanted();
      return finish(result, Outcome::values, first_difference());
    }
    const bool open = possible + ballot_.outstanding >= quorum_;
    finish(result, open ? Outcome::open : Outcome::split,
           open ? fmt::format("{} of {} that must agree", size_of(members), quorum_)
                : first_difference());
  }

  void relate_all() {
    const std::size_t count = counting_.size();
    all_ = static_cast<Set>((std::uint64_t{1} << count) - 1);
    for (std::size_t i = 0; i < count; ++i) {
      const Row row = row_of(*counting_[i]);
      agree_.push_back(row.agree);
      differ_.push_back(row.differ);
      possible_.push_back(all_ & ~row.differ & ~single(i));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (is_forger(*counting_[i])) all_ &= ~single(i);  // not even a quorum of itself
    }
  }

  [[nodiscard]] Row row_of(const Vote& vote) const {
    Row row;
    for (std::size_t i = 0; i < counting_.size(); ++i) {
      if (counting_[i] == &vote) continue;
      const auto relation = relate(vote, *counting_[i], tolerance_, evidence_).relation;
      if (relation == Relation::agree) row.agree |= single(i);
      if (relation == Relation::differ) row.differ |= single(i);
    }
    return row;
  }

  void agreed(Verdict& result, Set members) {
    std::vector<const Vote*> liars;
    for (std::size_t i = 0; i < counting_.size(); ++i) {
      if (holds(members, i)) {
        result.members.push_back(counting_[i]->worker);
      } else if (lies({agree_[i], differ_[i]}, single(i))) {
        liars.push_back(counting_[i]);
      }
    }
    for (const Vote* shadow : shadows_) {
      const Row row = row_of(*shadow);
      if ((members & ~row.agree) == 0) {
        result.members.push_back(shadow->worker);
      } else if (lies(row, 0)) {
        liars.push_back(shadow);
      }
    }
    std::string reason;
    const Vote& example = *counting_[first_of(members)];
    for (const Vote* liar : liars) {
      add(result.liars, liar->worker);
      reason +=
          fmt::format("{}{} differs from {}: {}", reason.empty() ? "" : "; ", liar->worker.text,
                      example.worker.text, relate(*liar, example, tolerance_, evidence_).text);
    }
    if (reason.empty()) reason = agreement(members);
    finish(result, Outcome::agreed, std::move(reason));
  }

  // A quorum contradicts it, and no quorum can come to include it. `self`: empty of a shadow.
  [[nodiscard]] bool lies(const Row& row, Set self) const {
    const Set friends = largest_clique(possible_, all_ & ~row.differ & ~self);
    const std::size_t company = size_of(friends) + size_of(self) + ballot_.outstanding;
    return company < quorum_ && size_of(largest_clique(agree_, all_ & row.differ)) >= quorum_;
  }

  // Whose values are needed: one for each result of which somebody's relation is not known.
  [[nodiscard]] std::vector<WorkerId> wanted() const {
    std::vector<const Vote*> asked;
    for (std::size_t i = 0; i < counting_.size(); ++i) {
      const Vote& vote = *counting_[i];
      const Set doubtful = all_ & ~agree_[i] & ~differ_[i] & ~single(i);
      const Set company = largest_clique(possible_, all_ & possible_[i]);
      const bool matters = holds(all_, i) && doubtful != 0 && size_of(company) + 1 >= quorum_;
      if (matters) add_one_of_each(asked, vote);
    }
    return names_of(asked);
  }

  void add_doubtful(std::vector<const Vote*>& asked, const Vote& vote, Set members) const {
    for (std::size_t i = 0; i < counting_.size(); ++i) {
      if (!holds(members, i) || counting_[i] == &vote) continue;
      const Vote& member = *counting_[i];
      if (relate(vote, member, tolerance_, evidence_).relation != Relation::unknown) continue;
      add_one_of_each(asked, member);
      add_one_of_each(asked, vote);
    }
  }

  void add_one_of_each(std::vector<const Vote*>& asked, const Vote& vote) const {
    const bool is_asked = std::any_of(asked.begin(), asked.end(), [&](const Vote* other) {
      return other->outputs == vote.outputs;
    });
    if (!is_asked && !has_values(evidence_, vote)) asked.push_back(&vote);
  }

  static std::vector<WorkerId> names_of(const std::vector<const Vote*>& votes) {
    std::vector<WorkerId> workers;
    for (const Vote* vote : votes) workers.push_back(vote->worker);
    return workers;
  }

  [[nodiscard]] std::string agreement(Set members) const {
    const std::size_t first = first_of(members);
    for (std::size_t i = first + 1; i < counting_.size(); ++i) {
      if (!holds(members, i)) continue;
      const auto related = relate(*counting_[first], *counting_[i], tolerance_, evidence_);
      if (counting_[first]->outputs != counting_[i]->outputs) return related.text;
    }
    return "every bit is the same";
  }

  [[nodiscard]] std::string first_difference() const {
    for (std::size_t i = 0; i < counting_.size(); ++i) {
      for (std::size_t j = i + 1; j < counting_.size(); ++j) {
        const auto related = relate(*counting_[i], *counting_[j], tolerance_, evidence_);
        if (related.relation == Relation::agree) continue;
        return fmt::format("{} and {}: {}", counting_[i]->worker.text, counting_[j]->worker.text,
                           related.text);
      }
    }
    return fmt::format("{} votes, {} must agree", counting_.size(), quorum_);
  }

  static void add(std::vector<WorkerId>& workers, const WorkerId& worker) {
    if (std::find(workers.begin(), workers.end(), worker) == workers.end()) {
      workers.push_back(worker);
    }
  }
  static void finish(Verdict& result, Outcome outcome, std::string reason) {
    result.outcome = static_cast<std::uint32_t>(outcome);
    result.reason = std::move(reason);
  }

  const Ballot& ballot_;
  const Evidence& evidence_;
  const std::size_t quorum_;
  const Tolerance tolerance_;
  std::vector<const Vote*> counting_;
  std::vector<const Vote*> shadows_;
  Set all_ = 0;  // that count and are no forgers
  Edges agree_;
  Edges differ_;
  Edges possible_;  // not known to differ
};

}  // namespace

Verdict tally(const Ballot& ballot, const Evidence& evidence) {
  return Count(ballot, evidence).verdict();
}

std::vector<WorkerId> in_doubt(const Ballot& ballot, const Evidence& evidence) {
  return Count(ballot, evidence).in_doubt();
}

}  // namespace hyps::voting
