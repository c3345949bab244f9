// Seeded random ballots against an oracle that tries every set of votes, and against the truth:
// who was made to lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/unit/voting/votes.hpp"

namespace hyps::voting::testing {
namespace {

// ---- the oracle ---------------------------------------------------------------------------------

struct Case {
  Ballot ballot;
  Evidence evidence;
  std::vector<float> value;  // of each vote
};

// +1: agree, -1: differ, 0: not known.
int relation(const Case& c, std::size_t i, std::size_t j) {
  const Vote& a = c.ballot.votes[i];
  const Vote& b = c.ballot.votes[j];
  if (c.evidence.forgers.contains(a.worker) || c.evidence.forgers.contains(b.worker)) return -1;
  if (a.outputs[0].digest == b.outputs[0].digest) return 1;
  if (!a.arithmetic.empty() && a.arithmetic == b.arithmetic) return -1;
  for (const Vote* vote : {&a, &b}) {
    if (!c.evidence.values.contains(vote->outputs[0].digest)) return 0;
  }
  const double x = static_cast<double>(c.value[i]);
  const double y = static_cast<double>(c.value[j]);
  if (!std::isfinite(x) || !std::isfinite(y)) return -1;
  const double base = std::max(std::abs(x), std::abs(y));
  return std::abs(x - y) <= c.ballot.atol + c.ballot.rtol * base ? 1 : -1;
}

struct Oracle {
  const Case& c;
  std::size_t n = c.ballot.votes.size();

  bool all_pairs(unsigned set, int least) const {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const bool both = (set >> i & 1U) != 0 && (set >> j & 1U) != 0;
        if (both && relation(c, i, j) < least) return false;
      }
    }
    return true;
  }
  bool opposed(unsigned a, unsigned b) const {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const bool across = (a >> i & 1U) != 0 && (b >> j & 1U) != 0;
        if (across && (i == j || relation(c, i, j) != -1)) return false;
      }
    }
    return true;
  }
  // Of votes that count, and are no forgers; at least `size`.
  std::vector<unsigned> sets(int least, std::size_t size) const {
    std::vector<unsigned> found;
    for (unsigned set = 1; set < 1U << n; ++set) {
      bool counts = static_cast<std::size_t>(std::popcount(set)) >= size;
      for (std::size_t i = 0; i < n && counts; ++i) {
        const Vote& vote = c.ballot.votes[i];
        const bool may = vote.counts && !c.evidence.forgers.contains(vote.worker);
        counts = (set >> i & 1U) == 0 || may;
      }
      if (counts && all_pairs(set, least)) found.push_back(set);
    }
    return found;
  }
  bool is_liar(std::size_t v, const std::vector<unsigned>& quorums) const {
    if (c.evidence.forgers.contains(c.ballot.votes[v].worker)) return true;
    const bool contradicted = std::any_of(quorums.begin(), quorums.end(),
                                          [&](unsigned q) { return opposed(q, 1U << v); });
    int company = 0;  // beside itself
    for (const unsigned set : sets(0, 1)) {
      const unsigned with = set | 1U << v;
      if (all_pairs(with, 0)) company = std::max(company, std::popcount(set & ~(1U << v)));
    }
    const int self = c.ballot.votes[v].counts ? 1 : 0;
    const auto reach = static_cast<std::uint32_t>(company + self) + c.ballot.outstanding;
    return contradicted && reach < c.ballot.quorum;
  }
  void expect(const Verdict& verdict) const {
    const auto quorums = sets(1, c.ballot.quorum);
    bool torn = false;
    for (const unsigned a : quorums) {
      for (const unsigned b : quorums) torn = torn || opposed(a, b);
    }
    std::size_t possible = 0;
    for (const unsigned set : sets(0, 1)) {
      possible = std::max(possible, static_cast<std::size_t>(std::popcount(set)));
    }
    Outcome outcome = Outcome::split;
    if (possible + c.ballot.outstanding >= c.ballot.quorum) outcome = Outcome::open;
    if (possible >= c.ballot.quorum) outcome = Outcome::values;
    if (!quorums.empty()) outcome = Outcome::agreed;
    if (torn) outcome = Outcome::split;
    ASSERT_EQ(outcome_of(verdict), outcome);
    if (outcome == Outcome::agreed) expect_agreed(verdict, quorums);
    if (outcome == Outcome::values) expect_values(verdict);
  }
  void expect_agreed(const Verdict& verdict, const std::vector<unsigned>& quorums) const {
    unsigned counting = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (c.ballot.votes[i].counts && is_in(verdict.members, i)) counting |= 1U << i;
    }
    int most = 0;
    for (const unsigned q : quorums) most = std::max(most, std::popcount(q));
    EXPECT_EQ(std::popcount(counting), most);
    EXPECT_NE(std::find(quorums.begin(), quorums.end(), counting), quorums.end());
    for (std::size_t i = 0; i < n; ++i) {
      if (!c.ballot.votes[i].counts) {
        bool with_all = true;
        for (std::size_t j = 0; j < n; ++j) {
          with_all = with_all && ((counting >> j & 1U) == 0 || relation(c, i, j) == 1);
        }
        EXPECT_EQ(is_in(verdict.members, i), with_all);
      }
      if (is_in(verdict.members, i)) continue;
      EXPECT_EQ(is_in(verdict.liars, i), is_liar(i, quorums)) << "vote " << i;
    }
    EXPECT_TRUE(c.ballot.votes[first_of(counting)].worker == verdict.members.front());
  }
  static std::size_t first_of(unsigned set) {
    return static_cast<std::size_t>(std::countr_zero(set));
  }
  void expect_values(const Verdict& verdict) const {
    ASSERT_FALSE(verdict.members.empty());
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_in(verdict.members, i)) continue;
      EXPECT_FALSE(c.evidence.values.contains(c.ballot.votes[i].outputs[0].digest));
    }
  }
  bool is_in(const std::vector<WorkerId>& workers, std::size_t vote) const {
    return std::find(workers.begin(), workers.end(), c.ballot.votes[vote].worker) != workers.end();
  }
};

Case random_case(Random& random) {
  constexpr float kValues[] = {1.0F,     1.00006F, 1.00012F,
                               0.99994F, 2.0F,     std::numeric_limits<float>::quiet_NaN()};
  const char* arithmetics[] = {"a", "b", "c", ""};
  Case c;
  const std::size_t count = 1 + random.below(6);
  std::vector<Vote> votes;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = kValues[random.below(random.below(2) == 0 ? 2 : 6)];
    c.value.push_back(value);
    votes.push_back(vote("w" + std::to_string(i), floats({value}),
                         arithmetics[random.below(random.below(2) == 0 ? 1 : 4)],
                         random.below(5) != 0));
    if (random.below(2) == 0) {
      c.evidence.values[votes.back().outputs[0].digest] = floats({value});
    }
    if (random.below(12) == 0) c.evidence.forgers.insert(votes.back().worker);
  }
  c.ballot = ballot(1 + static_cast<std::uint32_t>(random.below(4)), std::move(votes),
                    static_cast<std::uint32_t>(random.below(3)));
  return c;
}

TEST(TallyOracle, EveryRandomBallotHasTheVerdictThatTryingEverySetGives) {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    const Case c = random_case(random);
    Oracle{c}.expect(tally(c.ballot, c.evidence));
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

// ---- the truth ----------------------------------------------------------------------------------

struct World {
  Ballot whole;               // all votes, in the order of their coming
  std::vector<float> values;  // as announced
  std::set<WorkerId> liars;
  std::set<WorkerId> forgers;  // of the liars: their bytes are others
};

constexpr float kTruth = 10.0F;

// What a liar may say who cannot see the others' votes, or all liars together.
float lie(Random& random, float honest, float stale) {
  switch (random.below(5)) {
    case 0:
      return std::nextafter(honest, 100.0F);
    case 1:
      return std::numeric_limits<float>::quiet_NaN();
    case 2:
      return stale;
    case 3:
      return 9.0F;  // colluding
    default:
      return random.uniform(-100, 100);
  }
}

World random_world(Random& random, std::size_t arithmetics) {
  World world;
  const std::size_t quorum = 2 + random.below(2);
  const std::size_t shadows = random.below(3);
  std::size_t honest = quorum + random.below(2);
  std::size_t lying = random.below(quorum);
  std::vector<Vote> votes;
  const float stale = random.uniform(1, 5);
  const auto add = [&](bool lies, bool counts) {
    const std::string name = "w" + std::to_string(votes.size());
    const std::size_t kind = random.below(arithmetics);
    const float right = kTruth + static_cast<float>(kind) * 2e-4F;  // all within 1e-3 of each other
    float value = lies ? lie(random, right, stale) : right;
    if (lies) world.liars.insert(WorkerId(name));
    if (lies && random.below(4) == 0) {
      value = right;  // another's digest, with other bytes
      world.forgers.insert(WorkerId(name));
    }
    world.values.push_back(value);
    const std::size_t claimed = lies ? random.below(arithmetics) : kind;
    votes.push_back(vote(name, floats({value}), "isa" + std::to_string(claimed), counts));
  };
  while (honest + lying > 0) {
    const bool lies = random.below(honest + lying) < lying;
    --(lies ? lying : honest);
    add(lies, true);
  }
  for (std::size_t i = 0; i < shadows; ++i) add(random.below(2) == 0, false);
  world.whole = ballot(static_cast<std::uint32_t>(quorum), std::move(votes));
  return world;
}

void show(const World& world, const std::vector<WorkerId>& workers, Evidence& evidence) {
  for (std::size_t i = 0; i < world.whole.votes.size(); ++i) {
    const Vote& vote = world.whole.votes[i];
    if (std::find(workers.begin(), workers.end(), vote.worker) == workers.end()) continue;
    if (world.forgers.contains(vote.worker)) {
      evidence.forgers.insert(vote.worker);
    } else {
      evidence.values[vote.outputs[0].digest] = floats({world.values[i]});
    }
  }
}

std::vector<WorkerId> asks(const Ballot& now, const Verdict& verdict, const Evidence& evidence) {
  if (outcome_of(verdict) == Outcome::values) return verdict.members;
  return outcome_of(verdict) == Outcome::agreed ? in_doubt(now, evidence) : std::vector<WorkerId>();
}

// As the hub and the voter go about it: one vote after another, values when they are asked for, and
// of whoever is in doubt.
Verdict play(const World& world, const std::function<void(const Verdict&)>& check) {
  Evidence evidence;
  Verdict verdict;
  Ballot now = world.whole;
  for (std::size_t count = 1; count <= world.whole.votes.size(); ++count) {
    now.votes.assign(world.whole.votes.begin(),
                     world.whole.votes.begin() + static_cast<std::ptrdiff_t>(count));
    now.outstanding = static_cast<std::uint32_t>(world.whole.votes.size() - count);
    verdict = tally(now, evidence);
    for (auto asked = asks(now, verdict, evidence); !asked.empty();
         asked = asks(now, verdict, evidence)) {
      check(verdict);
      show(world, asked, evidence);
      verdict = tally(now, evidence);
    }
    EXPECT_NE(outcome_of(verdict), Outcome::values);
    check(verdict);
  }
  return verdict;
}

TEST(TallyTruth, NobodyHonestIsEverAccusedAndNoWrongResultIsTaken) {
  int agreed = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    const World world = random_world(random, 1 + random.below(3));
    const Verdict last = play(world, [&](const Verdict& verdict) {
      for (const WorkerId& worker : verdict.liars) {
        EXPECT_TRUE(world.liars.contains(worker)) << worker.text << " is honest, seed " << seed;
      }
      if (outcome_of(verdict) != Outcome::agreed) return;
      for (std::size_t i = 0; i < world.values.size(); ++i) {
        if (world.whole.votes[i].worker != verdict.members.front()) continue;
        EXPECT_NEAR(world.values[i], kTruth, 2e-3) << "seed " << seed;
      }
    });
    EXPECT_EQ(outcome_of(last), Outcome::agreed) << "a quorum is honest, seed " << seed;
    agreed += outcome_of(last) == Outcome::agreed ? 1 : 0;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(agreed, 20'000);
}

TEST(TallyTruth, OfAnyArithmeticEveryLieBeyondTheToleranceIsNamed) {
  int lies = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    const World world = random_world(random, 1 + random.below(3));
    const Verdict last = play(world, [](const Verdict&) {});
    const std::set<WorkerId> named(last.liars.begin(), last.liars.end());
    for (std::size_t i = 0; i < world.values.size(); ++i) {
      const WorkerId& worker = world.whole.votes[i].worker;
      const bool beyond = !(std::abs(world.values[i] - kTruth) < 0.1F);  // or no number
      if (!beyond || !world.liars.contains(worker)) continue;
      EXPECT_TRUE(named.contains(worker)) << worker.text << ", seed " << seed;
      ++lies;
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(lies, 10'000);
}

TEST(TallyTruth, OfOneArithmeticEveryLieIsNamed) {
  int lies = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    World world = random_world(random, 1);
    // Who announces the right digest is found out by its bytes, when they are asked for.
    for (const WorkerId& forger : world.forgers) world.liars.erase(forger);
    const Verdict last = play(world, [](const Verdict&) {});
    const std::set<WorkerId> named(last.liars.begin(), last.liars.end());
    EXPECT_EQ(named, world.liars) << "seed " << seed;
    lies += static_cast<int>(named.size());
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(lies, 10'000);
}

}  // namespace
}  // namespace hyps::voting::testing
