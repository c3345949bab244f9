// tests/testbed: devices have the links, processors and memory that were asked for, and nothing of
// them is left afterwards. Skipped, with the reason, where the machine cannot emulate devices.
#include <gmock/gmock.h>

#include "tests/support/program.hpp"

namespace hyps::test {
namespace {

using testing::HasSubstr;

class Testbed : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome check = testbed({"check"});
    if (check.code == 77) GTEST_SKIP() << check.errors;
    ASSERT_EQ(check.code, 0) << check.errors;
  }
  ~Testbed() override { (void)testbed({"down"}); }

  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& words) const {
    std::vector<std::string> all{source("tests/testbed/testbed").string(), "--name", name_};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  [[nodiscard]] Outcome testbed(const std::vector<std::string>& words) const {
    return run_program(command(words));
  }
  [[nodiscard]] Outcome on(const std::string& device, const std::string& script) const {
    return testbed({"run", device, "--", "sh", "-c", script});
  }
  void up(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"up"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = testbed(words);
    ASSERT_EQ(outcome.code, 0) << outcome.errors;
  }
  // Namespaces and control groups of this testbed.
  [[nodiscard]] std::string leftovers() const {
    return run_program({"sh", "-c",
                        "ls -d /run/netns/hyps-" + name_ + "-* /sys/fs/cgroup/*/hyps-" + name_ +
                            " /sys/fs/cgroup/hyps-" + name_ + " /run/hyps-testbed/" + name_ +
                            ".env 2>/dev/null"})
        .output;
  }

  const std::string name_ = "t" + std::to_string(::getpid());
};

TEST_F(Testbed, devices_have_the_links_processors_and_memory_asked_for) {
  ASSERT_NO_FATAL_FAILURE(
      up({"--devices", "2", "--rate", "100mbit,20mbit", "--cpu", "0.3,0.5", "--memory", "32M"}));
  EXPECT_THAT(on("1", "tc qdisc show dev eth0").output, HasSubstr("tbf"));
  EXPECT_THAT(on("1", "tc qdisc show dev eth0").output, HasSubstr("rate 100Mbit"));
  EXPECT_THAT(on("2", "tc qdisc show dev eth0").output, HasSubstr("rate 20Mbit"));
  EXPECT_THAT(on("hub", "tc qdisc show dev eth0").output, testing::Not(HasSubstr("tbf")));
  const std::string quota = "cat /sys/fs/cgroup/cpu/hyps-" + name_ + "/$0/cpu.cfs_quota_us" +
                            " 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/hyps-" + name_ +
                            "/$0/cpu.max";
  EXPECT_EQ(testbed({"run", "1", "--", "sh", "-c", quota, "1"}).output, "3000\n");
  EXPECT_EQ(testbed({"run", "2", "--", "sh", "-c", quota, "2"}).output, "5000\n");
  // More memory than the device has: the kernel kills who asks for it.
  EXPECT_EQ(on("1", "head -c 8M /dev/zero | tail -c 8M | wc -c").output, "8388608\n");
  EXPECT_EQ(on("1", "head -c 100M /dev/zero | tail -c 100M | wc -c").output, "0\n");
}

TEST_F(Testbed, devices_reach_each_other_and_nobody_else) {
  ASSERT_NO_FATAL_FAILURE(up({"--devices", "2"}));
  const TemporaryFolder folder;
  const auto config = folder.path() / "mosquitto.conf";
  std::ofstream(config) << "listener 4321 10.77.0.1\nallow_anonymous true\nuser root\n";
  Process listener(command({"run", "hub", "--", "/usr/sbin/mosquitto", "-c", config.string()}),
                   "/dev/null");
  const std::string dial =
      "for i in $(seq 100); do (exec 3<>/dev/tcp/$0/4321) 2>/dev/null && exit "
      "0; sleep 0.1; done; exit 1";
  for (const char* device : {"1", "2", "hub"}) {
    EXPECT_EQ(testbed({"run", device, "--", "bash", "-c", dial, "10.77.0.1"}).code, 0) << device;
  }
  // No way out: what is not on the testbed's own network has no route.
  EXPECT_THAT(on("1", "ip route").output, testing::StartsWith("10.77.0.0/24 dev eth0"));
  EXPECT_EQ(on("1", "ip route | wc -l").output, "1\n");
}

TEST_F(Testbed, a_command_takes_the_place_of_run) {
  ASSERT_NO_FATAL_FAILURE(up({"--devices", "1"}));
  EXPECT_EQ(on("1", "exit 42").code, 42);
  Process process(command({"run", "1", "--", "sleep", "600"}), "/dev/null");
  const std::string what = "/proc/" + std::to_string(process.pid()) + "/comm";
  for (int i = 0; i < 1000 && text_of(what) != "sleep\n"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(text_of(what), "sleep\n");
  EXPECT_THAT(testbed({"run", "2", "--", "true"}).errors, HasSubstr("no device '2'"));
}

TEST_F(Testbed, up_twice_is_once_and_other_options_are_refused) {
  ASSERT_NO_FATAL_FAILURE(up({"--devices", "1"}));
  const Outcome again = testbed({"up", "--devices", "1"});
  EXPECT_EQ(again.code, 0) << again.errors;
  EXPECT_EQ(again.output, testbed({"env"}).output);
  EXPECT_THAT(testbed({"up", "--devices", "2"}).errors, HasSubstr("other options"));
  EXPECT_THAT(testbed({"list"}).output, HasSubstr(name_ + ": 1 devices"));
}

TEST_F(Testbed, down_leaves_nothing_of_what_was_killed_or_never_finished) {
  ASSERT_NO_FATAL_FAILURE(up({"--devices", "1"}));
  Process orphan(command({"run", "1", "--", "sleep", "600"}), "/dev/null");
  EXPECT_EQ(testbed({"down"}).code, 0);
  EXPECT_EQ(orphan.wait_ms(10'000), 128 + SIGKILL);
  EXPECT_EQ(leftovers(), "");
  // As if `up` had been killed in the middle: no list of devices was written yet.
  ASSERT_EQ(run_program({"ip", "netns", "add", "hyps-" + name_ + "-1"}).code, 0);
  ASSERT_NO_FATAL_FAILURE(up({"--devices", "1"}));
  EXPECT_EQ(testbed({"down"}).code, 0);
  EXPECT_EQ(testbed({"down"}).code, 0);
  EXPECT_EQ(leftovers(), "");
}

TEST_F(Testbed, nonsense_is_refused_before_anything_is_made) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"up", "--devices", "0"},
                                                {"up", "--devices", "201"},
                                                {"up", "--rate", "fast"},
                                                {"up", "--cpu", "0"},
                                                {"up", "--memory", "1X"},
                                                {"up", "--colour", "red"},
                                                {"up", "--rate"}}) {
    EXPECT_NE(testbed(words).code, 0) << words.back();
  }
  EXPECT_EQ(leftovers(), "");
}

}  // namespace
}  // namespace hyps::test
