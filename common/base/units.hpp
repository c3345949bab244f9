// Quantities as people write them. Bytes use binary multiples (64M = 64 * 2^20), counts use decimal
// ones (30M = 30 * 10^6).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace hyps {

Result<std::int64_t> parse_bytes(std::string_view text);  // "64M", "1.5G", "4096", "64MB", "64MiB"
Result<std::int64_t> parse_count(std::string_view text);  // "30M", "250k", "102.76M"
std::string format_bytes(std::int64_t bytes);             // "12.2 MB"
std::string format_count(std::int64_t count);             // "138.36 M"

}  // namespace hyps
