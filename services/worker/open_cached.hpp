// Opens a partition's bundle from the cache: by its packed weights where a former life of this
// worker left them, else by packing them and leaving them there.
#pragma once

#include <memory>

#include "common/engine/engine.hpp"
#include "services/worker/bundle_cache.hpp"
#include "services/worker/events.hpp"
#include "services/worker/runner.hpp"

namespace hyps::worker {

Result<std::unique_ptr<Runner>> open_cached(const Load& load, BundleCache& cache,
                                            engine::Engine& engine);

}  // namespace hyps::worker
