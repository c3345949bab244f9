// What the kernel lets processes have of one thing: a control group (of the first kind, v1).
#pragma once

#include <fstream>

#include "tests/support/process.hpp"

namespace hyps::test {

class ControlGroup {
 public:
  // `controller`: "cpu", "memory".
  explicit ControlGroup(const std::string& controller)
      : parent_("/sys/fs/cgroup/" + controller),
        folder_(parent_ / ("hyps-" + std::to_string(::getpid()))) {
    std::error_code error;
    std::filesystem::create_directory(folder_, error);
    made_ = !error && std::filesystem::exists(folder_ / "cgroup.procs") &&
            !std::filesystem::exists(folder_ / "cgroup.controllers");
  }
  ~ControlGroup() {
    release();
    ::rmdir(folder_.c_str());
  }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  [[nodiscard]] bool is_usable() const { return made_; }
  bool set(const std::string& key, const std::string& value) {
    return static_cast<bool>(std::ofstream(folder_ / key) << value << std::flush);
  }
  // Who writes its number there is in it.
  [[nodiscard]] std::filesystem::path members_file() const { return folder_ / "cgroup.procs"; }
  bool add(pid_t pid) { return set("cgroup.procs", std::to_string(pid)); }
  // All that are in it may have as much as before.
  void release() {
    std::ifstream members(folder_ / "cgroup.procs");
    for (std::string pid; members >> pid;) std::ofstream(parent_ / "cgroup.procs") << pid;
  }

 private:
  const std::filesystem::path parent_;
  const std::filesystem::path folder_;
  bool made_ = false;
};

}  // namespace hyps::test
