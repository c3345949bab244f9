// A process that may run only a part of the time: what a processor that is busy elsewhere leaves
// it. By SIGSTOP and SIGCONT, so that no rights are needed but those over one's own processes.
#pragma once

#include <sys/types.h>

#include <stop_token>
#include <thread>

namespace hyps::cli {

class DutyCycle {
 public:
  // REQUIRES: 0 < percent <= 100.
  DutyCycle(pid_t pid, int percent);
  // It runs on as before.
  ~DutyCycle() = default;
  DutyCycle(const DutyCycle&) = delete;
  DutyCycle& operator=(const DutyCycle&) = delete;

 private:
  static void run(const std::stop_token& stop, pid_t pid, int percent);

  std::jthread thread_;
};

}  // namespace hyps::cli
