// The manager's configuration.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.hpp"
#include "common/runtime/config.hpp"

namespace hyps::manager {

struct Options {
  std::string id = "manager";
  std::string cache_dir;  // empty: hyps/<id> in the user's cache folder
  std::int64_t cache_bytes = std::int64_t{8} << 30U;
  std::int64_t settle_ms = 3000;
  std::string log_level = "info";
  runtime::BrokerConfig broker;
};

void declare(runtime::Schema& schema, Options& options);
// Replaces what stands for "find out" and checks what a range cannot say.
Status complete(Options& options);

}  // namespace hyps::manager
