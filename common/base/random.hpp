// SplitMix64: a small seeded generator whose sequence is the same on every machine. For tests,
// simulation and seeded weights; not for secrets.
#pragma once

#include <cstdint>

namespace hyps {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  // In [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // In [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  // In [0, 1).
  double real() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  float uniform(float low, float high) { return low + static_cast<float>(real()) * (high - low); }

 private:
  std::uint64_t state_;
};

}  // namespace hyps
