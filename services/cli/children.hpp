// Children: the processes of a local cluster. Each dies with its parent (the kernel sees to it).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace hyps::cli {

class Children {
 public:
  explicit Children(std::filesystem::path log_folder) : logs_(std::move(log_folder)) {}
  ~Children() { stop_all(); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // `restart`: it is started again, 200 ms after it died, however it died.
  Status start(const std::string& name, std::vector<std::string> command, bool restart);

  struct Death {
    std::string name;
    std::string how;  // "exit code 3", "signal 9 (Killed)"
    bool restarting = false;
    std::string last_words;  // the end of its log; empty if somebody killed it
  };
  // Who died since the last call; restarts those that are due. Never blocks.
  std::vector<Death> reap(Milliseconds now);

  // Starts all that are dead.
  void revive();

  // SIGTERM to all, in reverse order of starting, then SIGKILL after five seconds.
  void stop_all();
  [[nodiscard]] std::filesystem::path log_of(const std::string& name) const;
  [[nodiscard]] std::string last_words_of(const std::string& name) const;  // lines, indented
  [[nodiscard]] pid_t pid_of(const std::string& name) const;               // 0: not running
  [[nodiscard]] std::map<std::string, pid_t> pids() const;                 // likewise, of all

 private:
  struct Child {
    std::string name;
    std::vector<std::string> command;
    bool restart = false;
    pid_t pid = 0;
    Milliseconds restart_at{0};
  };
  Status spawn(Child& child);

  std::filesystem::path logs_;
  std::vector<Child> children_;
};

}  // namespace hyps::cli
