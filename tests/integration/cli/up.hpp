// `hyps up` and what it started, by process id.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/program.hpp"

namespace hyps::test {

class Up : public testing::Test {
 protected:
  void start(std::vector<std::string> more) {
    more.insert(more.begin(), {"up", "--memory", "4M", "--dir", (home_.path() / "up").string()});
    up_ = Process(hyps_command(home_.path(), more), log());
    for (int waited = 0; waited < 300; ++waited) {
      if (text_of(log()).find("The cluster is up") != std::string::npos) return;
      ASSERT_TRUE(up_.running()) << text_of(log());
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    FAIL() << text_of(log());
  }
  Outcome hyps(const std::vector<std::string>& words) {
    return run_program(hyps_command(home_.path(), words));
  }
  [[nodiscard]] std::filesystem::path log() const { return home_.path() / "up.log"; }
  // From the line "pids     mosquitto 12, hub 13, …".
  pid_t pid_of(const std::string& name) {
    const std::string text = text_of(log());
    const std::size_t line = text.find("pids");
    const std::size_t at = text.find(" " + name + " ", line);
    return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + name.size() + 2);
  }
  // An orphan that nobody has waited for yet is dead all the same.
  static bool is_alive(pid_t pid) {
    const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
    return !stat.empty() && stat.find(") Z") == std::string::npos;
  }
  bool all_gone(const std::vector<pid_t>& pids) {
    for (int waited = 0; waited < 100; ++waited) {
      if (std::none_of(pids.begin(), pids.end(), is_alive)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  std::vector<pid_t> pids() {
    return {pid_of("mosquitto"), pid_of("hub"), pid_of("manager"), pid_of("w1"), pid_of("w2")};
  }

  const TemporaryFolder home_;
  Process up_;
};

}  // namespace hyps::test
