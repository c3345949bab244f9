#include "common/runtime/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "common/runtime/rate_limit.hpp"

namespace hyps::runtime {

namespace {

// One logger a process, made on first use; everything else in it is spdlog's.
struct Logger {
  Logger() {
    spdlog.set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    spdlog.flush_on(spdlog::level::trace);
  }
  spdlog::logger spdlog{"hyps", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  std::mutex mutex;
  std::string service = "hyps";
  RateLimit limit{kLogBurst};
};

Logger& logger() {
  static Logger instance;
  return instance;
}

void write(spdlog::level::level_enum level, std::string_view event, const Fields& fields) {
  Logger& log = logger();
  if (!log.spdlog.should_log(level)) return;
  const auto now =
      std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
  std::string line;
  {
    const std::lock_guard lock(log.mutex);
    const auto left_out = log.limit.admit(std::string(event), now);
    if (!left_out) return;
    line = log.service + " " + log_line(event, fields);
    if (*left_out > 0) line += " left_out=" + std::to_string(*left_out);
  }
  log.spdlog.log(level, line);
}

}  // namespace

void set_log_service(std::string name) {
  const std::lock_guard lock(logger().mutex);
  logger().service = std::move(name);
}

void set_log_level(const std::string& level) {
  logger().spdlog.set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
}

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool needs_quotes(const std::string& value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           return c == ' ' || c == '"' || c == '=' || is_control(c);
         });
}

}  // namespace

std::string log_line(std::string_view event, const Fields& fields) {
  std::string line(event);
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    if (!needs_quotes(value)) {
      line += value;
      continue;
    }
    line += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') line += '\\';
      line += is_control(c) ? ' ' : c;
    }
    line += '"';
  }
  return line;
}

void log_debug(std::string_view event, const Fields& fields) {
  write(spdlog::level::debug, event, fields);
}
void log_info(std::string_view event, const Fields& fields) {
  write(spdlog::level::info, event, fields);
}
void log_warn(std::string_view event, const Fields& fields) {
  write(spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, const Fields& fields) {
  write(spdlog::level::err, event, fields);
}

void log(const LogLine& line) {
  switch (line.level) {
    case LogLine::Level::debug:
      return log_debug(line.event, line.fields);
    case LogLine::Level::info:
      return log_info(line.event, line.fields);
    case LogLine::Level::warn:
      return log_warn(line.event, line.fields);
    case LogLine::Level::error:
      return log_error(line.event, line.fields);
  }
}

}  // namespace hyps::runtime
