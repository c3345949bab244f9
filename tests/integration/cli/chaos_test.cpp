// `hyps chaos` on a cluster of `hyps up`: harm is done and undone, jobs are answered meanwhile.
#include <nlohmann/json.hpp>

#include "up.hpp"

namespace hyps::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Chaos : public Up {
 protected:
  void SetUp() override {
    start({"--workers", "3"});
    ASSERT_EQ(hyps({"deploy", source("models/shapes.onnx").string()}).code, 0);
  }

  // What it printed; every job answered, and rightly.
  json chaos(std::vector<std::string> words) {
    words.insert(words.begin(), "chaos");
    words.insert(words.end(), {"-o", "json"});
    const Outcome outcome = hyps(words);
    EXPECT_EQ(outcome.code, 0) << outcome.errors << outcome.output;
    json report = json::parse(outcome.output, nullptr, false);
    if (report.is_discarded()) return {};
    EXPECT_GT(report.value("answered", 0), 0);
    EXPECT_EQ(report.value("unanswered", -1), 0);
    EXPECT_EQ(report.value("wrong", -1), 0);
    return report;
  }
  static bool says(const json& report, const std::string& text) {
    const json lines = report.value("timeline", json::array());
    return std::any_of(lines.begin(), lines.end(), [&](const json& line) {
      return line.value("text", "").find(text) != std::string::npos;
    });
  }
  // 'T': stopped by a signal.
  char state_of(const std::string& node) {
    const std::string stat = text_of("/proc/" + std::to_string(pid_of(node)) + "/stat");
    const std::size_t name_end = stat.rfind(')');
    return name_end == std::string::npos ? '-' : stat.at(name_end + 2);
  }
};

TEST_F(Chaos, KillsAWorkerWhosePartitionsMoveAndStartsItAgain) {
  const json report = chaos({"kill", "w2", "--watch", "1"});
  EXPECT_TRUE(says(report, "w2 killed")) << report;
  EXPECT_TRUE(says(report, "w2 is offline")) << report;
  const Outcome again = hyps({"chaos", "kill", "w2"});
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.errors, HasSubstr("dead already"));
  const Outcome healed = hyps({"chaos", "heal"});
  EXPECT_EQ(healed.code, 0) << healed.errors;
  const json back = chaos({"kill", "w2", "--seconds", "0.3", "--watch", "1"});
  EXPECT_TRUE(says(back, "w2 started again")) << back;
  EXPECT_TRUE(says(back, "w2 is online")) << back;
}

TEST_F(Chaos, PausesAndSlowsAndKillsWhatComesBackByItself) {
  EXPECT_TRUE(says(chaos({"pause", "hub", "--seconds", "0.5", "--watch", "0"}), "hub resumed"));
  EXPECT_TRUE(says(chaos({"slow", "w1", "--percent", "20", "--seconds", "0.5", "--watch", "0"}),
                   "w1 has its processor back"));
  const json report = chaos({"kill", "hub", "--watch", "2"});
  EXPECT_TRUE(says(report, "hub is online")) << report;
  for (const char* node : {"w1", "w2", "w3"}) EXPECT_NE(state_of(node), 'T') << node;
}

TEST_F(Chaos, DoesThingsAtRandomTheSameForTheSameSeed) {
  const auto deeds = [&] {
    std::string done;
    const json report = chaos({"--every", "0.6", "--for", "1.8", "--seed", "5"});
    for (const json& line : report.value("timeline", json::array())) {
      const std::string text = line.value("text", "");
      for (const char* deed : {" killed", " paused", " slowed"}) {
        if (text.find(deed) != std::string::npos) done += text + "; ";
      }
    }
    return done;
  };
  const std::string once = deeds();
  EXPECT_EQ(std::count(once.begin(), once.end(), ';'), 3) << once;
  EXPECT_EQ(deeds(), once);
}

TEST_F(Chaos, UndoesItsHarmWhenItIsInterrupted) {
  Process chaos(hyps_command(home_.path(), {"chaos", "pause", "w1", "--seconds", "60"}),
                home_.path() / "chaos.log");
  for (int waited = 0; waited < 200 && state_of("w1") != 'T'; ++waited) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ASSERT_EQ(state_of("w1"), 'T') << text_of(home_.path() / "chaos.log");
  chaos.signal(SIGINT);
  EXPECT_EQ(chaos.wait_ms(10'000), 0) << text_of(home_.path() / "chaos.log");
  EXPECT_NE(state_of("w1"), 'T');
}

// What it would have docker do: a program of that name writes down how it was called.
TEST_F(Chaos, OfAComposeProjectGoesThroughDocker) {
  const auto bin = home_.path() / "bin";
  std::filesystem::create_directories(bin);
  const auto calls = home_.path() / "calls";
  std::ofstream(bin / "docker") << "#!/bin/sh\necho \"$@\" >>" << calls.string()
                                << "\ncase $1 in ps) echo 'hub 1 aa'; echo 'worker1 1 bb'; echo "
                                   "'worker1 2 cc' ;; inspect) echo 1500000000 ;; esac\n";
  std::filesystem::permissions(bin / "docker", std::filesystem::perms::owner_all);
  const auto project = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "chaos");
    words.insert(words.end(), {"--project", "mine"});
    auto command = hyps_command(home_.path(), words);
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
    command.insert(command.begin() + 3, "PATH=" + bin.string() + ":" + path);
    std::filesystem::remove(calls);
    Outcome outcome = run_program(command);
    outcome.output.clear();
    std::istringstream lines(text_of(calls));
    for (std::string line; std::getline(lines, line);) {
      outcome.output += line.starts_with("ps ") ? "" : line + "; ";
    }
    return outcome;
  };
  EXPECT_EQ(project({"kill", "hub", "--watch", "0"}).output, "kill aa; start aa; ");
  EXPECT_EQ(project({"kill", "worker1", "--watch", "0"}).output, "kill bb; ");
  EXPECT_EQ(project({"pause", "worker1-2", "--seconds", "0.1", "--watch", "0"}).output,
            "pause cc; unpause cc; ");
  EXPECT_EQ(project({"slow", "worker1", "--seconds", "0.1", "--watch", "0"}).output,
            "inspect --format {{.HostConfig.NanoCpus}} bb; update --cpus 0.05 bb; "
            "update --cpus 1.50 bb; ");
  EXPECT_THAT(project({"heal"}).output, HasSubstr("start cc; "));
  const Outcome nobody = project({"kill", "w9"});
  EXPECT_EQ(nobody.code, 3);
  EXPECT_THAT(nobody.errors, HasSubstr("there are hub worker1 worker1-2"));
}

using NoCluster = Up;

TEST_F(NoCluster, IsSaidClearly) {
  const Outcome outcome = hyps({"chaos", "kill", "w1"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.errors, HasSubstr("no cluster of `hyps up` runs here"));
  EXPECT_EQ(hyps({"chaos", "slow", "w1", "--percent", "0"}).code, 2);
  EXPECT_EQ(hyps({"chaos", "kill"}).code, 2);
  EXPECT_NE(hyps({"chaos", "heal", "--project", "there-is-none-of-that-name"}).code, 0);
}

TEST_F(NoCluster, OfAKilledUpIsNoneAndItsNumbersAreNotTaken) {
  start({"--workers", "1"});
  up_.kill();
  ASSERT_TRUE(std::filesystem::exists(home_.path() / ".hyps" / "nodes"));
  EXPECT_EQ(hyps({"chaos", "kill", "w1"}).code, 3);
}

}  // namespace
}  // namespace hyps::test
