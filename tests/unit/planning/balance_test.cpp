#include "common/planning/balance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "common/base/random.hpp"

namespace hyps::planning {
namespace {

constexpr double kRate = 10;  // bytes a second

std::vector<std::size_t> no_limit(std::size_t size) { return std::vector<std::size_t>(size, size); }

double slowest_of(const Chain& chain, const std::vector<Station>& stations,
                  const std::vector<std::size_t>& begins, const std::vector<std::size_t>& given) {
  const std::size_t size = chain.flops.size();
  double slowest_s = 0;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const std::size_t begin = begins[i];
    const std::size_t end = i + 1 < begins.size() ? begins[i + 1] : size;
    const Station& station = stations[given[i]];
    const bool at_end = begin == 0 || end == size;
    if (end > station.reach[begin] || (at_end && !station.may_end)) {
      return std::numeric_limits<double>::infinity();
    }
    double flops = 0;
    for (std::size_t k = begin; k < end; ++k) flops += chain.flops[k];
    slowest_s =
        std::max(slowest_s, flops / station.flops_per_s +
                                (chain.cross_bytes[begin] + chain.cross_bytes[end]) / kRate);
  }
  return slowest_s;
}

// Every cut, every order of every subset of the stations.
double brute_force(const Chain& chain, const std::vector<Station>& stations) {
  const std::size_t size = chain.flops.size();
  double best_s = std::numeric_limits<double>::infinity();
  for (std::size_t cuts = 0; cuts < (std::size_t{1} << (size - 1)); ++cuts) {
    std::vector<std::size_t> begins{0};
    for (std::size_t i = 1; i < size; ++i) {
      if ((cuts >> (i - 1)) & 1U) begins.push_back(i);
    }
    if (begins.size() > stations.size()) continue;
    std::vector<std::size_t> order(stations.size());
    std::iota(order.begin(), order.end(), 0);
    do {
      best_s = std::min(best_s, slowest_of(chain, stations, begins, order));
    } while (std::next_permutation(order.begin(), order.end()));
  }
  return best_s;
}

struct Case {
  Chain chain;
  std::vector<Station> stations;
};

Case random_case(std::uint64_t seed) {
  Random random(seed);
  Case made;
  const auto size = static_cast<std::size_t>(random.between(1, 7));
  for (std::size_t i = 0; i < size; ++i) {
    made.chain.flops.push_back(static_cast<double>(random.between(0, 20)));
  }
  for (std::size_t i = 0; i <= size; ++i) {
    made.chain.cross_bytes.push_back(static_cast<double>(random.between(0, 30)));
  }
  const std::int64_t stations = random.between(1, 4);
  for (std::int64_t i = 0; i < stations; ++i) {
    Station station{static_cast<double>(random.between(1, 3)), random.below(4) != 0, {}};
    const bool small = random.below(3) == 0;
    for (std::size_t begin = 0; begin < size; ++begin) {
      station.reach.push_back(small ? std::min(size, begin + 2) : size);
    }
    made.stations.push_back(std::move(station));
  }
  return made;
}

TEST(Balance, finds_what_brute_force_finds) {
  int possible = 0;
  int several = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    const Case test = random_case(seed);
    const auto stages = balance(test.chain, test.stations, kRate);
    const double best_s = brute_force(test.chain, test.stations);
    ASSERT_EQ(stages.has_value(), best_s < std::numeric_limits<double>::infinity());
    if (!stages) continue;
    ++possible;
    several += stages->begins.size() > 1 ? 1 : 0;
    EXPECT_DOUBLE_EQ(stages->slowest_s, best_s);
    EXPECT_DOUBLE_EQ(slowest_of(test.chain, test.stations, stages->begins, stages->stations),
                     best_s);
    std::vector<std::size_t> given = stages->stations;
    std::sort(given.begin(), given.end());
    EXPECT_EQ(std::adjacent_find(given.begin(), given.end()), given.end()) << "one has two stages";
  }
  EXPECT_GT(possible, 1000);
  EXPECT_GT(several, 500);
}

TEST(Balance, of_equal_ways_the_one_with_the_fewest_stages_is_taken) {
  const Chain chain{{8, 1, 1}, {0, 0, 0, 0}};
  const Station station{1, true, no_limit(3)};
  const auto stages = balance(chain, {station, station, station}, kRate);
  ASSERT_TRUE(stages.has_value());
  EXPECT_EQ(stages->begins, (std::vector<std::size_t>{0, 1}));
}

TEST(Balance, moving_much_is_worth_less_than_computing_alone) {
  const Chain chain{{4, 4}, {0, 100, 0}};
  const Station station{1, true, no_limit(2)};
  const auto stages = balance(chain, {station, station}, kRate);
  ASSERT_TRUE(stages.has_value());
  EXPECT_EQ(stages->begins.size(), 1U);
}

TEST(Balance, many_kinds_of_stations_are_taken_together_and_the_answer_stays_possible) {
  Random random(3);
  Chain chain;
  for (int i = 0; i < 40; ++i) chain.flops.push_back(static_cast<double>(random.between(1, 20)));
  chain.cross_bytes.assign(41, 1);
  std::vector<Station> stations;
  double speed = 0;
  for (int i = 0; i < 16; ++i) {
    stations.push_back({1 + 0.1 * i, i % 3 == 0, no_limit(40)});
    speed += stations.back().flops_per_s;
  }
  const auto stages = balance(chain, stations, kRate);
  ASSERT_TRUE(stages.has_value());
  const double real_s = slowest_of(chain, stations, stages->begins, stages->stations);
  EXPECT_LE(real_s, stages->slowest_s + 1e-9);  // each is as fast as it was taken for, or faster
  const double even_s = std::accumulate(chain.flops.begin(), chain.flops.end(), 0.0) / speed;
  EXPECT_LE(real_s, 2 * even_s);
}

TEST(Balance, nothing_to_cut_or_nobody_to_do_it_has_no_answer) {
  EXPECT_FALSE(balance({{}, {0}}, {{1, true, {}}}, kRate).has_value());
  EXPECT_FALSE(balance({{1}, {0, 0}}, {}, kRate).has_value());
  EXPECT_FALSE(balance({{1}, {0, 0}}, {{1, false, {1}}}, kRate).has_value());
}

}  // namespace
}  // namespace hyps::planning
