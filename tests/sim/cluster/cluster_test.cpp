// Many seeds, in shards so that they run beside each other. README.md one folder up says how to
// run one seed, or a hundred thousand.
#include "cluster.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace hyps::sim {
namespace {

constexpr std::uint64_t kShards = 8;
constexpr std::uint64_t kSeeds = 2000;
constexpr std::size_t kShownLines = 40;
constexpr int kShown = 10;  // failures of a shard in a long run

std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

bool keeps_promises(std::uint64_t seed) {
  const Outcome outcome = simulate(seed, false);
  if (outcome.violation.empty()) return true;
  const auto history = simulate(seed, true).history;
  std::string end;
  for (std::size_t i = history.size() - std::min(history.size(), kShownLines); i < history.size();
       ++i) {
    end += history[i] + "\n";
  }
  ADD_FAILURE() << "seed " << seed << ": " << outcome.violation << "\nthe end of its history:\n"
                << end << "all of it: tests/sim/replay " << seed;
  return false;
}

class Seeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, KeepEveryPromise) {
  if (number_from("HYPS_SEED")) GTEST_SKIP() << "only seed HYPS_SEED is wanted";
  const std::uint64_t seeds = number_from("HYPS_SEEDS").value_or(kSeeds);
  const int enough = seeds > kSeeds ? kShown : 1;
  int broken = 0;
  for (std::uint64_t seed = 1 + GetParam(); seed <= seeds && broken < enough; seed += kShards) {
    if (!keeps_promises(seed)) ++broken;
  }
}

INSTANTIATE_TEST_SUITE_P(Shard, Seeds, testing::Range(std::uint64_t{0}, kShards));

TEST(OneSeed, ShowsItsHistory) {
  const auto seed = number_from("HYPS_SEED");
  if (!seed) GTEST_SKIP() << "HYPS_SEED names none";
  const Outcome outcome = simulate(*seed, true);
  for (const auto& line : outcome.history) std::cout << line << "\n";
  EXPECT_EQ(outcome.violation, "");
}

TEST(OneSeed, AlwaysHasTheSameHistory) {
  EXPECT_EQ(simulate(7, true).history, simulate(7, true).history);
}

// A simulation in which nothing happens proves nothing.
TEST(OneSeed, HasJobsThatAreAnswered) {
  std::size_t answered = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) answered += simulate(seed, false).answered;
  EXPECT_GT(answered, 60U);
}

}  // namespace
}  // namespace hyps::sim
