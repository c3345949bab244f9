#include "services/cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace hyps::cli {

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(::isatty(2) == 1) {}

Progress::~Progress() {
  if (terminal_ && !last_.empty()) std::fputs("\r\x1b[K", stderr);
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
  constexpr std::uint64_t kWidth = 40;
  const std::uint64_t filled = total == 0 ? kWidth : done * kWidth / total;
  draw(fmt::format("{} [{:#<{}}{:.<{}}] {:3} %", what_, "", filled, "", kWidth - filled,
                   total == 0 ? 100 : done * 100 / total));
}

void Progress::note(const std::string& state) { draw(what_ + ": " + state); }

void Progress::draw(const std::string& line) {
  if (!terminal_ || line == last_) return;
  last_ = line;
  std::fprintf(stderr, "\r\x1b[K%s", line.substr(0, 110).c_str());
  (void)std::fflush(stderr);
}

}  // namespace hyps::cli
