#include "services/cli/duty_cycle.hpp"

#include <signal.h>

#include <chrono>

namespace hyps::cli {

namespace {

constexpr std::chrono::microseconds kPeriod{100'000};

}  // namespace

DutyCycle::DutyCycle(pid_t pid, int percent)
    : thread_([pid, percent](const std::stop_token& stop) { run(stop, pid, percent); }) {}

void DutyCycle::run(const std::stop_token& stop, pid_t pid, int percent) {
  const auto running = kPeriod * percent / 100;
  while (!stop.stop_requested()) {
    ::kill(pid, SIGSTOP);
    std::this_thread::sleep_for(kPeriod - running);
    ::kill(pid, SIGCONT);
    std::this_thread::sleep_for(running);
  }
}

}  // namespace hyps::cli
