#include "services/cli/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/base/file.hpp"

namespace hyps::cli {

namespace {

constexpr int kNoProgram = 127;
constexpr std::size_t kMaxOutput = 1U << 20U;

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

void redirect(const std::string& file, int descriptor) {
  ::dup2(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), descriptor);
}

pid_t spawn(std::vector<std::string> command, const std::filesystem::path& folder) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string output = folder / "output";
  const std::string errors = folder / "errors";
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  redirect(output, STDOUT_FILENO);
  redirect(errors, STDERR_FILENO);
  ::execvp(argv[0], argv.data());
  ::_exit(kNoProgram);
}

}  // namespace

Result<std::string> run_command(const std::vector<std::string>& command, Milliseconds timeout) {
  const TemporaryFolder folder("hyps-command");
  const pid_t pid = spawn(command, folder.path());
  if (pid < 0) return Error{ErrorKind::io, "cannot start " + command[0] + ": no more processes"};
  int status = 0;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      return Error{ErrorKind::io,
                   fmt::format("{} did not end within {} s", command[0], timeout.count() / 1000)};
    }
    std::this_thread::sleep_for(Milliseconds(2));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoProgram) {
    return Error{ErrorKind::not_found, "there is no program '" + command[0] + "' here"};
  }
  if (status != 0) {
    return Error{ErrorKind::io, fmt::format("{} {}: {}", command[0], command[1],
                                            first_line(folder.path() / "errors"))};
  }
  HYPS_TRY(const Blob output, read_file(folder.path() / "output", kMaxOutput));
  return std::string(output.text());
}

}  // namespace hyps::cli
