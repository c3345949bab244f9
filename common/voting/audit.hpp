// A job whose answer is known: who has lied? README.md, "Known answers". Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/blob.hpp"

namespace hyps::voting {

// How a tensor that was made compares with the known one.
enum class Likeness {
  same,     // in every bit
  near,     // what arithmetics may differ by
  beyond,   // more than that
  unknown,  // nothing is known of it, or it cannot be read
};
// Of float32 tensors: wider than between replicas, by the known one's scale, because there is
// nobody to ask twice.
Likeness likeness(const Blob& made, const Blob& known);
// Of answers: `near` where scores and values are, whatever the digests.
Likeness likeness_of_answers(const Blob& made, const Blob& known);

struct Made {  // by one partition
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

struct Findings {
  bool right = true;  // nothing is beyond
  // Given the very bytes that are known, and made what is beyond: they have lied.
  std::vector<std::size_t> liars;
  // Where it went wrong first, if that proves nothing.
  std::optional<std::size_t> suspect;
};
// `made` in topological order. A tensor that is not in the map is unknown.
Findings judge(const std::vector<Made>& made, const std::map<std::string, Likeness>& tensors);

}  // namespace hyps::voting
