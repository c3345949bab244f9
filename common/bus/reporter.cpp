#include "common/bus/reporter.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace hyps::bus {

namespace {

void to_standard_error(std::string_view event,
                       const std::vector<std::pair<std::string_view, std::string>>& fields) {
  std::string line(event);
  for (const auto& [key, value] : fields) line += fmt::format(" {}=\"{}\"", key, value);
  fmt::print(stderr, "{}\n", line);
}

}  // namespace

Reporter::Reporter(Report report, std::string broker)
    : report_(report ? std::move(report) : Report(to_standard_error)), broker_(std::move(broker)) {}

void Reporter::waiting(const std::string& reason, Milliseconds now) {
  {
    const std::lock_guard lock(mutex_);
    if (reason == waiting_reason_ && now - waiting_said_ < kWaitingPeriod) return;
    waiting_reason_ = reason;
    waiting_said_ = now;
  }
  report_("bus.waiting", {{"broker", broker_}, {"reason", reason}});
}

void Reporter::connected() {
  {
    const std::lock_guard lock(mutex_);
    // Who never had to wait needs no news.
    if (std::exchange(waiting_reason_, {}).empty()) return;
  }
  report_("bus.connected", {{"broker", broker_}});
}

void Reporter::lost(const std::string& reason) {
  report_("bus.lost", {{"broker", broker_}, {"reason", reason}});
}

void Reporter::dropped(const std::string& topic, const std::string& reason, Milliseconds now) {
  std::uint64_t left_out = 0;
  {
    const std::lock_guard lock(mutex_);
    if (now - dropped_said_ < kDroppedPeriod) {
      ++left_out_;
      return;
    }
    dropped_said_ = now;
    left_out = std::exchange(left_out_, 0);
  }
  report_("bus.message_dropped",
          {{"topic", topic}, {"reason", reason}, {"left_out", std::to_string(left_out)}});
}

void Reporter::bad_filter(const std::string& filter) {
  report_("bus.bad_filter", {{"filter", filter}});
}

}  // namespace hyps::bus
