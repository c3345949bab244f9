// The voter's configuration.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.hpp"
#include "common/runtime/config.hpp"

namespace hyps::voter {

struct Options {
  std::string id = "voter";
  std::int64_t max_value_bytes = std::int64_t{256} << 20U;
  std::int64_t values_timeout_ms = 120'000;
  std::string log_level = "info";
  runtime::BrokerConfig broker;
};

void declare(runtime::Schema& schema, Options& options);

}  // namespace hyps::voter
