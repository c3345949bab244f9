// The worker's configuration: defaults, units and ranges in one place.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.hpp"
#include "common/runtime/config.hpp"

namespace hyps::worker {

struct Options {
  std::string id;            // empty: the host's name
  std::int64_t memory = 0;   // 0: 75 % of what the machine or cgroup allows
  std::int64_t buffers = 0;  // 0: a quarter of `memory`
  std::int64_t threads = 0;  // 0: as many as may be used
  std::int64_t max_batch = 8;
  std::int64_t batch_wait_ms = 0;
  std::int64_t batch_latency_ms = 1000;
  std::string zone = "open";
  std::string cache_dir;  // empty: hyps/<id> in the user's cache folder
  std::int64_t cache_bytes = std::int64_t{4} << 30U;
  std::string compression = "auto";
  std::string log_level = "info";
  runtime::BrokerConfig broker;
};

void declare(runtime::Schema& schema, Options& options);
// Replaces what stands for "find out" and checks what a range cannot say.
Status complete(Options& options);

}  // namespace hyps::worker
