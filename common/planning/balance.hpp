// Balance (private to this folder): a chain cut into stages, one a device, so that the slowest
// stage is as fast as possible. Numbers only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace hyps::planning {

struct Chain {
  std::vector<double> flops;        // of each element
  std::vector<double> cross_bytes;  // [i]: what passes just before element i; [size]: what leaves
};

struct Station {  // a device
  double flops_per_s = 1;
  bool may_end = true;             // may have the first element or the last one
  std::vector<std::size_t> reach;  // [i]: the largest end for which it can hold elements [i, end)
  bool operator==(const Station&) const = default;
};

struct Stages {
  double slowest_s = 0;
  std::vector<std::size_t> begins;    // of each stage; the first is 0
  std::vector<std::size_t> stations;  // who has it (an index); none has two
};

// A stage takes its flops at its station's speed, plus what enters and leaves it at bytes_per_s. Of
// all cuts into stages and all ways to give them to stations the best; of equal ones that with the
// fewest stages. It is the best as long as there are few kinds of stations (at most kMostStates
// ways to have used them up); else the most alike kinds are taken for the slower of them. nullopt:
// no way.
inline constexpr std::size_t kMostStates = 1024;
std::optional<Stages> balance(const Chain& chain, const std::vector<Station>& stations,
                              double bytes_per_s);

}  // namespace hyps::planning
