// Times of many rounds, as a row of the table that recovery.sh prints.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace hyps::test {

// HYPS_ROUNDS: what is measured needs many, what is only shown to work needs one.
inline int rounds() {
  const char* given = std::getenv("HYPS_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
  return given == nullptr ? 1 : std::max(1, std::atoi(given));
}

class Times {
 public:
  explicit Times(std::string what) : what_(std::move(what)) {}
  void add(double ms) { ms_.push_back(ms); }

  // `load` beside: what else the machine did while this was measured.
  void print() {
    if (ms_.empty()) return;
    std::sort(ms_.begin(), ms_.end());
    double load = 0;
    std::ifstream("/proc/loadavg") >> load;
    std::printf("| %s | %zu | %.0f | %.0f | %.0f | %.0f | %.1f |\n", what_.c_str(), ms_.size(),
                at(50), at(90), at(99), ms_.back(), load);
    (void)std::fflush(stdout);
  }

 private:
  [[nodiscard]] double at(std::size_t percent) const {
    return ms_[std::min(ms_.size() - 1, ms_.size() * percent / 100)];
  }

  std::string what_;
  std::vector<double> ms_;
};

}  // namespace hyps::test
