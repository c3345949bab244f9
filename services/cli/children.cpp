#include "services/cli/children.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <fstream>
#include <thread>

namespace hyps::cli {

namespace {

constexpr Milliseconds kRestartDelay{200};
constexpr Milliseconds kPatience{5000};

std::string describe(int status) {
  if (WIFEXITED(status)) return fmt::format("exit code {}", WEXITSTATUS(status));
  return fmt::format("signal {} ({})", WTERMSIG(status), ::sigdescr_np(WTERMSIG(status)));
}

bool was_killed(int status) {
  return WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
}

// The last lines of a file that may be long.
std::string end_of(const std::filesystem::path& file) {
  constexpr std::size_t kLines = 5;
  constexpr std::streamoff kBytes = 4096;
  std::ifstream in(file, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - kBytes));
  std::deque<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back("  " + line + "\n");
    if (lines.size() > kLines) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace

std::filesystem::path Children::log_of(const std::string& name) const {
  return logs_ / (name + ".log");
}

std::string Children::last_words_of(const std::string& name) const { return end_of(log_of(name)); }

Status Children::start(const std::string& name, std::vector<std::string> command, bool restart) {
  children_.push_back({name, std::move(command), restart, 0, Milliseconds(0)});
  return spawn(children_.back());
}

Status Children::spawn(Child& child) {
  std::vector<char*> argv;
  for (std::string& word : child.command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = log_of(child.name).string();
  const std::string cannot = "cannot execute " + child.command[0] + "\n";
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error{ErrorKind::io, "cannot start " + child.name + ": no more processes"};
  if (pid == 0) {
    // A group of its own: Ctrl-C is for the parent, who ends the children in order.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execvp(argv[0], argv.data());
    (void)!::write(2, cannot.data(), cannot.size());
    ::_exit(127);
  }
  child.pid = pid;
  return {};
}

std::vector<Children::Death> Children::reap(Milliseconds now) {
  std::vector<Death> deaths;
  for (Child& child : children_) {
    int status = 0;
    if (child.pid > 0 && ::waitpid(child.pid, &status, WNOHANG) == child.pid) {
      child.pid = 0;
      child.restart_at = now + kRestartDelay;
      deaths.push_back({child.name, describe(status), child.restart,
                        was_killed(status) ? "" : last_words_of(child.name)});
    }
    if (child.pid == 0 && child.restart && now >= child.restart_at && !spawn(child).ok()) {
      child.restart_at = now + kRestartDelay;
    }
  }
  return deaths;
}

void Children::revive() {
  for (Child& child : children_) {
    if (child.pid == 0) (void)spawn(child);
  }
}

void Children::stop_all() {
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    if (child->pid <= 0) continue;
    ::kill(child->pid, SIGTERM);
    for (Milliseconds waited{0}; waited < kPatience; waited += Milliseconds(5)) {
      if (::waitpid(child->pid, nullptr, WNOHANG) == child->pid) {
        child->pid = 0;
        break;
      }
      std::this_thread::sleep_for(Milliseconds(5));
    }
    if (child->pid == 0) continue;
    ::kill(child->pid, SIGKILL);
    ::waitpid(child->pid, nullptr, 0);
    child->pid = 0;
  }
}

std::map<std::string, pid_t> Children::pids() const {
  std::map<std::string, pid_t> pids;
  for (const Child& child : children_) pids[child.name] = child.pid;
  return pids;
}

pid_t Children::pid_of(const std::string& name) const {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const Child& child) { return child.name == name; });
  return found == children_.end() ? 0 : found->pid;
}

}  // namespace hyps::cli
