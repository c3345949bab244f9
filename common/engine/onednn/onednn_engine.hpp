// The oneDNN engine with its inner settings, for tests and benchmarks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/engine/engine.hpp"

namespace hyps::engine {

struct OneDnnOptions {
  int threads = 0;   // 0: usable_cpus()
  bool fuse = true;  // false: every node by itself
  // Called after each step of a run, with what it was ("conv1: 4 x jit:avx2"), by the running
  // thread.
  std::function<void(const std::string& step)> after_step = {};
};

std::unique_ptr<Engine> make_onednn_engine(const OneDnnOptions& options);

}  // namespace hyps::engine
