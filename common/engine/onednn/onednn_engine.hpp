// The oneDNN engine with its inner settings, for tests and benchmarks.
#pragma once

#include <memory>

#include "common/engine/engine.hpp"

namespace hyps::engine {

struct OneDnnOptions {
  int threads = 0;   // 0: usable_cpus()
  bool fuse = true;  // false: every node by itself
};

std::unique_ptr<Engine> make_onednn_engine(const OneDnnOptions& options);

}  // namespace hyps::engine
