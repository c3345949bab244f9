// How many CPUs the control groups of a process leave it. The parsing is pure; usable_cpus() in
// engine.hpp feeds it from /proc and /sys.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hyps::engine {

// The text of a file, or nullopt where it cannot be read.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

// "max 100000" or "150000 100000" (cgroup v2 cpu.max): CPUs, or nullopt for no limit or nonsense.
std::optional<double> parse_cpu_max(std::string_view text);
// cpu.cfs_quota_us and cpu.cfs_period_us (cgroup v1); a quota of -1 is no limit.
std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period);

// The tightest quota among the own groups and all their parents, of v1 and v2 alike. Inside a
// container /proc/self/cgroup may name a path that is only visible outside; the mounted root is
// then the own group, which is why the roots are always looked at.
std::optional<double> cgroup_cpu_limit(const FileReader& read);

// Rounded up, never below 1, never above `affinity`.
int cpus_within(int affinity, std::optional<double> limit);

}  // namespace hyps::engine
