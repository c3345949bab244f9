// Reporter: says what befalls a connection, each thing at a bounded rate. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "common/base/time.hpp"
#include "common/bus/bus.hpp"

namespace hyps::bus {

class Reporter {
 public:
  Reporter(Report report, std::string broker);

  // At the first time, at another reason, and every kWaitingPeriod.
  void waiting(const std::string& reason, Milliseconds now);
  void connected();
  void lost(const std::string& reason);
  // One a second at most; the next says how many were left out.
  void dropped(const std::string& topic, const std::string& reason, Milliseconds now);
  void bad_filter(const std::string& filter);

 private:
  static constexpr Milliseconds kWaitingPeriod{10'000};
  static constexpr Milliseconds kDroppedPeriod{1000};

  const Report report_;
  const std::string broker_;
  std::mutex mutex_;
  std::string waiting_reason_;
  Milliseconds waiting_said_{0};
  Milliseconds dropped_said_{-1000};
  std::uint64_t left_out_ = 0;
};

}  // namespace hyps::bus
