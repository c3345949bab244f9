#include "common/engine/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "common/engine/engine.hpp"

namespace hyps::engine {
namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  const auto last = text.find_last_not_of(" \t\n");
  text = text.substr(0, last + 1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ratio(std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> tighter(std::optional<double> a, std::optional<double> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

std::optional<double> limit_of_v1(const FileReader& read, const std::string& folder) {
  const auto quota = read(folder + "/cpu.cfs_quota_us");
  const auto period = read(folder + "/cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  return parse_cfs_quota(*quota, *period);
}

std::optional<double> limit_of_v2(const FileReader& read, const std::string& folder) {
  const auto text = read(folder + "/cpu.max");
  return text ? parse_cpu_max(*text) : std::nullopt;
}

struct Membership {
  std::vector<std::string> v1;  // paths of the cpu controller
  std::vector<std::string> v2;
};

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const auto comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

// Lines "id:controllers:path"; v2 is the line without controllers.
Membership parse_membership(std::string_view text) {
  Membership found;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = line.find(':');
    if (first == std::string_view::npos) continue;
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (controllers.empty()) found.v2.push_back(path);
    if (names_cpu(controllers)) found.v1.push_back(path);
  }
  return found;
}

template <typename LimitOf>
std::optional<double> tightest_up_to_root(const std::string& mount, std::string path,
                                          const LimitOf& limit_of) {
  std::optional<double> limit = limit_of(mount);
  while (!path.empty() && path != "/") {
    limit = tighter(limit, limit_of(mount + path));
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
  return limit;
}

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int affinity_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return ratio(parse_integer(text.substr(0, space)), parse_integer(text.substr(space + 1)));
}

std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period) {
  return ratio(parse_integer(quota), parse_integer(period));
}

std::optional<double> cgroup_cpu_limit(const FileReader& read) {
  const auto membership = parse_membership(read("/proc/self/cgroup").value_or(""));
  const auto v1 = [&](const std::string& folder) { return limit_of_v1(read, folder); };
  const auto v2 = [&](const std::string& folder) { return limit_of_v2(read, folder); };
  std::optional<double> limit;
  for (const char* mount : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    limit = tighter(limit, tightest_up_to_root(mount, "", v1));
    for (const auto& path : membership.v1) {
      limit = tighter(limit, tightest_up_to_root(mount, path, v1));
    }
  }
  for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    limit = tighter(limit, tightest_up_to_root(mount, "", v2));
    for (const auto& path : membership.v2) {
      limit = tighter(limit, tightest_up_to_root(mount, path, v2));
    }
  }
  return limit;
}

int cpus_within(int affinity, std::optional<double> limit) {
  int cpus = std::max(affinity, 1);
  if (limit && *limit < cpus) cpus = static_cast<int>(std::ceil(*limit));
  return std::max(cpus, 1);
}

int usable_cpus() { return cpus_within(affinity_count(), cgroup_cpu_limit(read_text)); }

}  // namespace hyps::engine
