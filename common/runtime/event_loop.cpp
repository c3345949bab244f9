#include "common/runtime/event_loop.hpp"

#include <csignal>

namespace hyps::runtime {

namespace {

std::atomic<bool> stop_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void on_stop_signal(int /*signal*/) { stop_flag.store(true); }

}  // namespace

Now now() {
  using std::chrono::duration_cast;
  return {duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()),
          duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

const std::atomic<bool>& stop_requested() { return stop_flag; }

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace hyps::runtime
