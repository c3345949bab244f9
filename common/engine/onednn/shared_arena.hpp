// SharedArena: the memory of activations, one for all executables of an engine: while one of them
// runs, the others need none. Thread-safe; runs at the same time get one each.
#pragma once

#include <mutex>
#include <utility>

#include "common/engine/onednn/memory.hpp"

namespace hyps::engine {

class SharedArena {
 public:
  // At least `bytes`; what is in it is arbitrary.
  AlignedBytes take(std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (spare_.size() >= bytes) return std::exchange(spare_, {});
      spare_ = {};  // a larger one is coming back
    }
    return AlignedBytes(bytes);
  }
  void give_back(AlignedBytes arena) {
    const std::lock_guard lock(mutex_);
    if (arena.size() > spare_.size()) spare_ = std::move(arena);
  }
  // The next run makes one of its own size.
  void trim() {
    const std::lock_guard lock(mutex_);
    spare_ = {};
  }

 private:
  std::mutex mutex_;
  AlignedBytes spare_;
};

}  // namespace hyps::engine
