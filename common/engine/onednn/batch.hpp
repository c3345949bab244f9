// How a batch goes through an executable's steps: stretches of steps that each image runs through
// by itself, in the one arena, and single steps that all images do together because they share
// their weights. What an image has to keep from one stretch to the next is carried in memory of its
// own. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "common/engine/onednn/step.hpp"

namespace hyps::engine {

// A buffer of the arena that is in use from step `first` to step `last`.
struct Live {
  BufferId buffer = 0;
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

struct Carried {
  BufferId buffer = 0;
  std::size_t bytes = 0;
  std::size_t offset = 0;  // in the image's own memory
};

struct Stretch {
  std::size_t begin = 0;  // steps [begin, end)
  std::size_t end = 0;
  bool shared = false;           // one step, of all images together
  std::vector<std::size_t> in;   // indices of what is carried into it
  std::vector<std::size_t> out;  // and out of it
};

struct BatchPlan {
  std::vector<Stretch> stretches;
  std::vector<Carried> carried;
  std::size_t image_bytes = 0;  // that are carried
};

// shared[i]: step i is done by all images together. Outputs are in use to step shared.size().
BatchPlan plan_batch(const std::vector<bool>& shared, const std::vector<Live>& live);

}  // namespace hyps::engine
