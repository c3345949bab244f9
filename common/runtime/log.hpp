// Logging: one line an event, key=value, to standard error:
//   2026-01-31T12:00:00.123 info hub job.accepted job=4f2a model=cifar
// Repeats are rate-limited: at most kLogBurst lines a second of the same event; the next line then
// says how many were left out. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hyps::runtime {

using Fields = std::vector<std::pair<std::string_view, std::string>>;

inline constexpr std::uint64_t kLogBurst = 20;

// A line as a value: what a core wants logged.
struct LogLine {
  enum class Level { debug, info, warn, error };
  Level level = Level::info;
  std::string event;
  Fields fields;
};

// The line without time and level; control characters become spaces, so a line stays one.
std::string log_line(std::string_view event, const Fields& fields);

void set_log_service(std::string name);        // "hub", "worker w1"
void set_log_level(const std::string& level);  // "debug", "info", "warn", "error"

void log_debug(std::string_view event, const Fields& fields = {});
void log_info(std::string_view event, const Fields& fields = {});
void log_warn(std::string_view event, const Fields& fields = {});
void log_error(std::string_view event, const Fields& fields = {});
void log(const LogLine& line);

}  // namespace hyps::runtime
