// How a worker learns what batches gain, and keeps its bound.
#include "services/worker/batching.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <vector>

#include "common/base/random.hpp"

namespace hyps::worker {
namespace {

constexpr Milliseconds kNoBound{1'000'000};

using Times = std::function<double(std::size_t images)>;  // in ms

// `shared` ms once a batch, `each` for every image of it.
Times line(double shared, double each) {
  return [=](std::size_t images) { return shared + each * static_cast<double>(images); };
}

void note(Batching& batching, const Times& times, std::size_t images) {
  batching.note(images, static_cast<std::uint64_t>(1000 * times(images)));
}

std::size_t size_of(const Batching& batching, std::size_t ready, Milliseconds bound = kNoBound,
                    Milliseconds age = Milliseconds(0)) {
  return batching.size(std::vector<Milliseconds>(ready, age), bound);
}

// As a worker with more than enough to do would have it.
Batching learned(const Times& times, int runs = 10) {
  Batching batching;
  for (int run = 0; run < runs; ++run) note(batching, times, size_of(batching, 16));
  return batching;
}

TEST(Batching, GoesFromOneImageToTwiceAsManyAtATime) {
  Batching batching;
  std::vector<std::size_t> sizes;
  for (int run = 0; run < 7; ++run) {
    sizes.push_back(size_of(batching, 16));
    note(batching, line(40, 10), sizes.back());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 2, 4, 8, 16, 16}));
}

TEST(Batching, AFirstRunThatTouchesItsWeightsIsNoMeasure) {
  Batching batching;
  batching.note(1, 900'000);
  for (int run = 0; run < 4; ++run) note(batching, line(0, 30), size_of(batching, 16));
  EXPECT_EQ(size_of(batching, 16), 1U);
}

TEST(Batching, OfWhatGainsNothingIsTriedAndNotRepeated) {
  Batching batching;
  std::size_t runs_of_several = 0;
  std::size_t most = 0;
  for (int run = 0; run < 1000; ++run) {
    const std::size_t size = size_of(batching, 16);
    runs_of_several += size > 1 ? 1 : 0;
    most = std::max(most, size);
    note(batching, line(1, 30), size);
  }
  EXPECT_EQ(most, 2U);
  EXPECT_GE(runs_of_several, 1000U / 100);
  EXPECT_LE(runs_of_several, 1000U / 60);
}

TEST(Batching, OfWhatGainsSingleRunsAreMeasuredAgainNowAndThen) {
  Batching batching;
  int single_runs = 0;
  for (int run = 0; run < 1000; ++run) {
    const std::size_t size = size_of(batching, 8);
    single_runs += size == 1 ? 1 : 0;
    note(batching, line(30, 10), size);
  }
  EXPECT_GE(single_runs, 1000 / 100);
  EXPECT_LE(single_runs, 1000 / 60 + 2);
}

TEST(Batching, FollowsWhatChanges) {
  Batching batching = learned(line(0, 30));
  const auto last_size_of = [&](const Times& times) {
    std::size_t size = 0;
    for (int run = 0; run < 140; ++run) note(batching, times, size = size_of(batching, 16));
    return std::max(size, size_of(batching, 16));
  };
  EXPECT_EQ(last_size_of(line(30, 5)), 16U) << "weights stream now";
  EXPECT_EQ(last_size_of(line(0, 5)), 1U) << "and are resident again";
  EXPECT_EQ(last_size_of(line(100, 15)), 16U) << "a slower machine";
  EXPECT_EQ(last_size_of(line(10, 1.5)), 16U) << "a faster one";
}

TEST(Batching, IsAsLargeAsTheOldestBears) {
  const Batching batching = learned(line(40, 10));  // 1: 50, 4: 80, 8: 120, 16: 200
  EXPECT_EQ(size_of(batching, 16, Milliseconds(300)), 16U);
  EXPECT_EQ(size_of(batching, 16, Milliseconds(125)), 8U);
  EXPECT_EQ(size_of(batching, 16, Milliseconds(125), Milliseconds(40)), 4U);
  EXPECT_EQ(size_of(batching, 16, Milliseconds(125), Milliseconds(70)), 1U);
  // One that is older than those before it.
  const std::vector<Milliseconds> ages{Milliseconds(10), Milliseconds(40), Milliseconds(0)};
  EXPECT_EQ(batching.size(ages, Milliseconds(125)), 3U);
  EXPECT_EQ(batching.size(ages, Milliseconds(95)), 1U);
}

TEST(Batching, OfWhatIsLateEitherWayTakesTheBoundAtMost) {
  const Batching batching = learned(line(40, 10));
  EXPECT_EQ(size_of(batching, 16, Milliseconds(125), Milliseconds(80)), 8U);
  EXPECT_EQ(size_of(batching, 16, Milliseconds(30), Milliseconds(500)), 1U);
  // Who is in time is not made late by who is not.
  const std::vector<Milliseconds> ages{Milliseconds(70), Milliseconds(200), Milliseconds(0)};
  EXPECT_EQ(batching.size(ages, Milliseconds(125)), 1U);
}

TEST(Batching, WaitsForMoreWhileThatGainsAndTheBoundAllows) {
  const auto patience = [](const Batching& batching, std::size_t ready, int bound, int age) {
    return batching.patience(std::vector<Milliseconds>(ready, Milliseconds(age)),
                             Milliseconds(bound));
  };
  EXPECT_EQ(patience({}, 1, 1000, 0), Milliseconds(0)) << "nothing is known";
  EXPECT_EQ(patience(learned(line(1, 30)), 1, 1000, 0), Milliseconds(0)) << "nothing is gained";
  const Batching batching = learned(line(40, 10));
  EXPECT_EQ(patience(batching, 3, 125, 0), Milliseconds(45));
  EXPECT_EQ(patience(batching, 3, 125, 20), Milliseconds(25));
  EXPECT_EQ(patience(batching, 3, 125, 50), Milliseconds(0));
}

// A worker with one partition, in virtual time: `gap` ms between tasks, on average.
struct Stream {
  struct Outcome {
    std::size_t done = 0;
    std::size_t late = 0;  // although it would not have been late alone
    double longest_ms = 0;
    double throughput = 0;  // tasks a second
    double mean_batch = 0;
  };
  Times times;
  double gap = 0;
  Milliseconds bound{0};
  double noise = 0;  // a run may take so much more or less of its time
  std::size_t most_ahead = 64;

  [[nodiscard]] Outcome run(std::uint64_t seed, std::size_t tasks) const {
    Random random(seed);
    Batching batching;
    Outcome outcome;
    std::deque<double> ready;
    double arrival = 0;
    double now = 0;
    std::size_t begun = 0;
    std::size_t runs = 0;
    const auto arrive = [&] {
      while (begun < tasks && arrival <= now && ready.size() < most_ahead) {
        ready.push_back(std::max(arrival, 0.0));
        arrival += 2 * gap * random.uniform(0, 1);
        ++begun;
      }
    };
    while (outcome.done < tasks) {
      if (ready.empty()) now = std::max(now, arrival);
      arrive();
      std::vector<Milliseconds> ages;
      for (const double came : ready) ages.emplace_back(static_cast<std::int64_t>(now - came));
      if (ages.size() > 16) ages.resize(16);
      const std::size_t size = batching.size(ages, bound);
      const double ms = times(size) * (1 + noise * random.uniform(-1, 1));
      const double alone = now + times(1) * (1 + noise);
      now += ms;
      for (std::size_t i = 0; i < size; ++i) {
        const double came = ready.front();
        ready.pop_front();
        const auto bound_ms = static_cast<double>(bound.count());
        const bool in_time = now - came <= bound_ms * (1 + noise) + 2;
        outcome.late += !in_time && alone - came <= bound_ms ? 1 : 0;
        outcome.longest_ms = std::max(outcome.longest_ms, now - came);
        ++outcome.done;
      }
      ++runs;
      batching.note(size, static_cast<std::uint64_t>(1000 * ms));
    }
    outcome.throughput = 1000 * static_cast<double>(tasks) / now;
    outcome.mean_batch = static_cast<double>(tasks) / static_cast<double>(runs);
    return outcome;
  }
};

TEST(BatchingStream, MakesNobodyLateForOthersSake) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    const double gap = 4.0 + 4.0 * static_cast<double>(seed % 16);
    const Stream stream{line(40, 10), gap, Milliseconds(200), 0.1};
    const auto outcome = stream.run(seed, 2000);
    EXPECT_EQ(outcome.done, 2000U);
    EXPECT_EQ(outcome.late, 0U);
  }
}

TEST(BatchingStream, KeepsTheBoundOfAllWhereBatchesAreFastEnoughForThem) {
  // Alone 20 a second, in batches of 16 up to 80: of 40 a second none is late.
  const Stream stream{line(40, 10), 25, Milliseconds(300), 0.1};
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto outcome = stream.run(seed, 3000);
    EXPECT_LE(outcome.longest_ms, 1.1 * 300 + 2) << seed;
    EXPECT_GE(outcome.mean_batch, 2.0);
  }
}

TEST(BatchingStream, UsesWhatBatchesGainWhereThereIsTooMuchToDo) {
  const Stream stream{line(40, 10), 1, Milliseconds(400), 0.1};
  const auto outcome = stream.run(3, 5000);
  EXPECT_GE(outcome.throughput, 0.9 * 16 * 1000 / 200);
  // Though none can be in time, a batch takes no longer than the bound: here it is of 6.
  const Stream tight{line(40, 10), 1, Milliseconds(105), 0};
  EXPECT_GE(tight.run(3, 5000).throughput, 0.9 * 6 * 1000 / 100);
}

TEST(BatchingStream, ComputesWhatGainsNothingOneByOne) {
  const Stream stream{line(1, 30), 1, Milliseconds(1000), 0.02};
  EXPECT_LE(stream.run(4, 3000).mean_batch, 1.05);
}

TEST(BatchingStream, LearnsInSpiteOfRunsThatTakeALotLongerNowAndThen) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Stream stream{line(40, 10), 1, Milliseconds(1000), 0.5};
    EXPECT_GE(stream.run(seed, 3000).mean_batch, 8) << seed;
  }
}

}  // namespace
}  // namespace hyps::worker
