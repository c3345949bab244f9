#include "services/worker/memory_limit.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace hyps::worker {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

std::int64_t total_memory(const fs::path& root) {
  std::ifstream file(root / "proc/meminfo");
  std::string key;
  std::int64_t kilobytes = 0;
  std::string rest;
  while (file >> key >> kilobytes && std::getline(file, rest)) {
    if (key == "MemTotal:") return kilobytes * 1024;
  }
  return kNone;
}

// "max" (v2) and missing files are no limit; neither is v1's "no limit", a huge number.
std::int64_t limit_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t bytes = 0;
  return file >> bytes && bytes > 0 ? bytes : kNone;
}

// The process's group and all above it; in a container the path may mean nothing inside, and the
// top is the container's own group.
std::int64_t limit_of_groups(const fs::path& mount, const std::string& group, const char* name) {
  std::int64_t least = limit_in(mount / name);
  fs::path at = mount;
  for (const auto& part : fs::path(group).relative_path()) {
    at /= part;
    least = std::min(least, limit_in(at / name));
  }
  return least;
}

}  // namespace

std::int64_t memory_limit_bytes(const fs::path& root) {
  std::int64_t least = total_memory(root);
  std::ifstream file(root / "proc/self/cgroup");
  std::string line;  // "4:memory:/docker/1f" or "0::/user.slice"
  while (std::getline(file, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      least = std::min(least, limit_of_groups(root / "sys/fs/cgroup", group, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(
          least, limit_of_groups(root / "sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

}  // namespace hyps::worker
