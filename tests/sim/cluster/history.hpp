// History: what happened, for people. Costs nothing while nobody looks.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/base/time.hpp"

namespace hyps::sim {

class History {
 public:
  explicit History(bool kept) : kept_(kept) {}

  // `text` is called only if the history is kept.
  template <typename Text>
  void say(Milliseconds at, const std::string& who, Text text) {
    if (kept_) lines_.push_back(fmt::format("{:>7} ms  {:<9} {}", at.count(), who, text()));
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  bool kept_;
  std::vector<std::string> lines_;
};

}  // namespace hyps::sim
