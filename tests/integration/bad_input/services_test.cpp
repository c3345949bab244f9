// Services started wrongly, or too early.
#include "tests/support/paths/paths.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

constexpr const char* kServices[] = {"hyps-hub", "hyps-manager", "hyps-voter", "hyps-worker"};

std::string program(const std::string& name) { return test::bin_dir().string() + "/" + name; }

TEST(Configuration, AnUnknownKeyRefusesToStartAndNamesFileLineAndKey) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "config.yaml").string();
  std::ofstream(file) << "# a comment\nlog_level: info\nmax_imge_bytes: 3\n";
  for (const char* service : kServices) {
    const Outcome outcome = run_program({program(service), "--config", file}, 20'000);
    EXPECT_EQ(outcome.code, 2) << service << ": " << outcome.errors;
    EXPECT_THAT(outcome.errors, testing::HasSubstr(file));
    EXPECT_THAT(outcome.errors, testing::HasSubstr("line 3"));
    EXPECT_THAT(outcome.errors, testing::HasSubstr("max_imge_bytes"));
  }
}

TEST(Configuration, ABadValueRefusesToStartWhereverItStands) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "config.yaml").string();
  std::ofstream(file) << "broker_port: seven\n";
  const std::vector<std::vector<std::string>> wrong = {
      {"--config", file},          {"--set", "broker_port=70000"},
      {"--set", "broker_port"},    {"--set", "log_level=loud"},
      {"--config", file + ".not"}, {"--nonsense"},
      {"--set", "no_such_key=1"},  {"--config"},
  };
  for (const char* service : kServices) {
    for (const auto& words : wrong) {
      std::vector<std::string> command{program(service)};
      command.insert(command.end(), words.begin(), words.end());
      const Outcome outcome = run_program(command, 20'000);
      EXPECT_EQ(outcome.code, 2) << service << " " << words.back() << ": " << outcome.errors;
      EXPECT_FALSE(outcome.errors.empty());
    }
    const Outcome outcome = run_program({"env", "HYPS_BROKER_PORT=x", program(service)}, 20'000);
    EXPECT_EQ(outcome.code, 2) << service;
    EXPECT_THAT(outcome.errors, testing::HasSubstr("HYPS_BROKER_PORT"));
  }
}

TEST(Configuration, TheSampleEachServicePrintsIsOneItTakes) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "config.yaml").string();
  for (const char* service : kServices) {
    const Outcome sample = run_program({program(service), "--print-config"}, 20'000);
    ASSERT_EQ(sample.code, 0) << sample.errors;
    std::ofstream(file) << sample.output;
    const Outcome again = run_program({program(service), "--config", file, "--print-config"});
    EXPECT_EQ(again.code, 0) << service << ": " << again.errors;
  }
}

class Services : public ShapesCluster {};

TEST_F(Services, WithoutABrokerTheyWaitSaySoAndGoOnWhenItComes) {
  const std::vector<std::string> names{"hub", "manager", "w1", "w2"};
  for (const std::string& name : names) cluster_.start(name);
  const auto all_wait = [&] {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return cluster_.log(name).find("bus.waiting") != std::string::npos;
    });
  };
  for (int waited = 0; waited < 200 && !all_wait(); ++waited) client_.listen(100);
  for (const std::string& name : names) {
    EXPECT_THAT(cluster_.log(name), testing::HasSubstr("bus.waiting"));
    EXPECT_TRUE(cluster_.running(name)) << name;
  }
  cluster_.start("broker");
  ASSERT_TRUE(client_.wait_workers_online(2));
  deploy();
  expect_still_answering();
}

TEST_F(Services, TheCommandLineSaysThatThereIsNoBroker) {
  const Outcome outcome = cluster_.hyps({"get", "models"});
  EXPECT_EQ(outcome.code, 5);
  EXPECT_THAT(outcome.errors, testing::HasSubstr(std::to_string(cluster_.port())));
}

TEST_F(Services, ASecondHubOnTheSameStoreRefusesToStart) {
  start_and_deploy();
  const Outcome outcome = run_program(
      {program("hyps-hub"), "--set", "broker_port=" + std::to_string(cluster_.port()), "--set",
       "id=second", "--set", "data_folder=" + (cluster_.folder() / "hub").string()},
      20'000);
  EXPECT_EQ(outcome.code, 1) << outcome.errors;
  expect_still_answering();
}

TEST_F(Services, TheyStopWhenAskedTo) {
  start_and_deploy();
  for (const char* name : {"w1", "manager", "hub"}) {
    EXPECT_EQ(cluster_.terminate(name), 0) << cluster_.log(name);
  }
}

}  // namespace
}  // namespace hyps::test
