// What every benchmark does: measure A and B by turns, so that a slow minute of the machine hits
// both, and sum up the samples. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <functional>
#include <stdexcept>
#include <vector>

namespace hyps::bench {

using Samples = std::vector<double>;

// The unit is that of the samples.
struct Summary {
  double min = 0;
  double median = 0;
  double p99 = 0;
  double max = 0;
};

// REQUIRES: at least one sample. A percentile is the sample that so many of a hundred do not
// exceed.
inline Summary summary_of(Samples samples) {
  if (samples.empty()) throw std::invalid_argument("nothing was measured");
  std::sort(samples.begin(), samples.end());
  const auto percentile = [&](std::size_t percent) {
    const std::size_t rank = (samples.size() * percent + 99) / 100;  // rounded up, from 1
    return samples[std::max<std::size_t>(rank, 1) - 1];
  };
  return {samples.front(), percentile(50), percentile(99), samples.back()};
}

template <std::invocable Work>
double time_ms(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  std::forward<Work>(work)();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

// Something to measure: either a callable that returns what it measured (in any unit), or one that
// returns nothing and is timed in milliseconds.
class Subject {
 public:
  template <std::invocable Work>
  Subject(Work work) {  // NOLINT(google-explicit-constructor): subjects are written as lambdas
    if constexpr (std::convertible_to<std::invoke_result_t<Work>, double>) {
      measure_ = std::move(work);
    } else {
      measure_ = [work = std::move(work)]() mutable { return time_ms(work); };
    }
  }
  double measure() { return measure_(); }

 private:
  std::function<double()> measure_;
};

// Each of the subjects once, then all of them `rounds` times by turns; the first time is warming up
// and does not count. The result has the order of the subjects.
inline std::vector<Samples> alternate(int rounds, std::vector<Subject> subjects) {
  for (Subject& subject : subjects) (void)subject.measure();
  std::vector<Samples> samples(subjects.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < subjects.size(); ++i) samples[i].push_back(subjects[i].measure());
  }
  return samples;
}

}  // namespace hyps::bench
