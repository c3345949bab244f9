#include "common/engine/cpus.hpp"

#include <gtest/gtest.h>

#include <map>

#include "common/engine/engine.hpp"

namespace hyps::engine {
namespace {

FileReader files(std::map<std::string, std::string> content) {
  return [content = std::move(content)](const std::string& path) -> std::optional<std::string> {
    const auto found = content.find(path);
    if (found == content.end()) return std::nullopt;
    return found->second;
  };
}

TEST(Cpus, CpuMaxGivesQuotaOverPeriod) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  for (const char* nonsense : {"", "max", "1", "a b", "1 0", "-1 100000", "1 2 3"}) {
    EXPECT_EQ(parse_cpu_max(nonsense), std::nullopt) << nonsense;
  }
}

TEST(Cpus, CfsQuotaOfMinusOneIsNoLimit) {
  EXPECT_EQ(parse_cfs_quota("50000\n", "100000\n"), 0.5);
  EXPECT_EQ(parse_cfs_quota("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(parse_cfs_quota("x", "100000"), std::nullopt);
}

TEST(Cpus, NoControlGroupsMeansNoLimit) { EXPECT_EQ(cgroup_cpu_limit(files({})), std::nullopt); }

TEST(Cpus, OwnGroupOfVersion2Counts) {
  EXPECT_EQ(cgroup_cpu_limit(files({{"/proc/self/cgroup", "0::/user.slice/app\n"},
                                    {"/sys/fs/cgroup/user.slice/app/cpu.max", "200000 100000"}})),
            2.0);
}

TEST(Cpus, TightestParentCounts) {
  EXPECT_EQ(cgroup_cpu_limit(files({{"/proc/self/cgroup", "0::/a/b/c\n"},
                                    {"/sys/fs/cgroup/a/b/c/cpu.max", "max 100000"},
                                    {"/sys/fs/cgroup/a/cpu.max", "120000 100000"},
                                    {"/sys/fs/cgroup/a/b/cpu.max", "300000 100000"}})),
            1.2);
}

TEST(Cpus, ContainerSeesItsLimitAtTheMountedRoot) {
  EXPECT_EQ(cgroup_cpu_limit(files({{"/proc/self/cgroup", "0::/../outside\n"},
                                    {"/sys/fs/cgroup/cpu.max", "50000 100000"}})),
            0.5);
  EXPECT_EQ(cgroup_cpu_limit(files({{"/proc/self/cgroup", "4:cpu,cpuacct:/docker/1\n"},
                                    {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"},
                                    {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}})),
            2.5);
}

TEST(Cpus, Version1FollowsTheLineThatNamesCpu) {
  EXPECT_EQ(cgroup_cpu_limit(files({{"/proc/self/cgroup", "3:cpuset:/x\n1:cpuacct,cpu:/y\n"},
                                    {"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "1000"},
                                    {"/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "1000"},
                                    {"/sys/fs/cgroup/cpu/y/cpu.cfs_quota_us", "3000"},
                                    {"/sys/fs/cgroup/cpu/y/cpu.cfs_period_us", "1000"}})),
            3.0);
}

TEST(Cpus, LimitIsRoundedUpAndStaysBetweenOneAndTheAffinity) {
  EXPECT_EQ(cpus_within(8, std::nullopt), 8);
  EXPECT_EQ(cpus_within(8, 1.5), 2);
  EXPECT_EQ(cpus_within(8, 0.01), 1);
  EXPECT_EQ(cpus_within(2, 64.0), 2);
  EXPECT_EQ(cpus_within(0, std::nullopt), 1);
}

TEST(Cpus, ThisProcessHasAtLeastOne) { EXPECT_GE(usable_cpus(), 1); }

}  // namespace
}  // namespace hyps::engine
