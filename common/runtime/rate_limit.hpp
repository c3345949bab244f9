// RateLimit: at most `burst` of one name a second. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/time.hpp"

namespace hyps::runtime {

class RateLimit {
 public:
  explicit RateLimit(std::uint64_t burst) : burst_(burst) {}

  // nullopt: leave it out. Else how many of the name were left out since the last one let through.
  std::optional<std::uint64_t> admit(const std::string& name, Milliseconds now) {
    if (windows_.size() >= kMaxNames && !windows_.contains(name)) windows_.clear();
    Window& window = windows_[name];
    if (now - window.start >= Milliseconds(1000)) {
      window.start = now;
      window.admitted = 0;
    }
    if (window.admitted >= burst_) {
      ++window.left_out;
      return std::nullopt;
    }
    ++window.admitted;
    const std::uint64_t left_out = window.left_out;
    window.left_out = 0;
    return left_out;
  }

 private:
  static constexpr std::size_t kMaxNames = 1000;
  struct Window {
    Milliseconds start{-1000};
    std::uint64_t admitted = 0;
    std::uint64_t left_out = 0;
  };
  std::uint64_t burst_;
  std::map<std::string, Window> windows_;
};

}  // namespace hyps::runtime
